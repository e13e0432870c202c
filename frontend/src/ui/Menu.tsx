import type { LucideIcon } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import {
  Header,
  Menu as AriaMenu,
  MenuItem as AriaMenuItem,
  MenuSection,
  MenuTrigger,
  Popover,
  Separator,
} from "react-aria-components";

import styles from "./Menu.module.css";
import type { Choice } from "./Select";

/** A button (`trigger`) that opens a list of acts and choices. */
export function Menu({ trigger, children }: { readonly trigger: ReactElement; readonly children: ReactNode }) {
  return (
    <MenuTrigger>
      {trigger}
      <Popover className={styles.popover ?? ""} placement="bottom end" offset={4}>
        <AriaMenu className={styles.list ?? ""}>{children}</AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

export interface MenuItemProps {
  readonly label: string;
  readonly icon?: LucideIcon;
  readonly onAction?: () => void;
  readonly href?: string;
}

export function MenuItem({ label, icon: Icon, onAction, href }: MenuItemProps) {
  return (
    <AriaMenuItem
      textValue={label}
      className={styles.item ?? ""}
      {...(onAction ? { onAction } : {})}
      {...(href ? { href } : {})}
    >
      {Icon ? <Icon size={16} aria-hidden /> : null}
      {label}
    </AriaMenuItem>
  );
}

export interface MenuChoiceProps<Value extends string> {
  readonly title: string;
  readonly choices: readonly Choice<Value>[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

/** A part of a menu in which one of several is chosen. */
export function MenuChoice<Value extends string>({ title, choices, value, onChange }: MenuChoiceProps<Value>) {
  return (
    <MenuSection
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        const chosen = choices.find((choice) => keys !== "all" && keys.has(choice.value));
        if (chosen) onChange(chosen.value);
      }}
    >
      <Header className={styles.heading ?? ""}>{title}</Header>
      {choices.map((choice) => (
        <AriaMenuItem key={choice.value} id={choice.value} className={styles.item ?? ""}>
          {choice.label}
        </AriaMenuItem>
      ))}
    </MenuSection>
  );
}

export function MenuSeparator() {
  return <Separator className={styles.separator ?? ""} />;
}
