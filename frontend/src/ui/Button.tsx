import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { Button as AriaButton, type ButtonProps as AriaButtonProps, ToggleButton } from "react-aria-components";

import styles from "./Button.module.css";
import { classes } from "./classes";
import { Tooltip } from "./Tooltip";

export interface ButtonProps extends Omit<AriaButtonProps, "className" | "style" | "children"> {
  readonly variant?: "plain" | "primary" | "quiet" | "danger";
  readonly size?: "small" | "large";
  readonly icon?: LucideIcon;
  /** The key that does the same, shown in the tooltip. */
  readonly shortcut?: string;
  /** What a press does, where the label alone does not say it. */
  readonly hint?: string;
  readonly children: ReactNode;
}

const variantClass = { plain: undefined, primary: styles.primary, quiet: styles.quiet, danger: styles.danger };

export function Button({
  variant = "plain",
  size = "small",
  icon: Icon,
  shortcut,
  hint,
  children,
  ...props
}: ButtonProps) {
  const button = (
    <AriaButton {...props} className={classes(styles.button, variantClass[variant], size === "large" && styles.large)}>
      {Icon ? <Icon size={16} aria-hidden /> : null}
      {children}
    </AriaButton>
  );
  if (!hint && !shortcut) return button;
  return (
    <Tooltip text={hint ?? ""} {...(shortcut ? { shortcut } : {})}>
      {button}
    </Tooltip>
  );
}

export interface IconButtonProps extends Omit<AriaButtonProps, "className" | "style" | "children"> {
  readonly icon: LucideIcon;
  /** The button's name: read aloud, and shown in the tooltip. */
  readonly label: string;
  readonly shortcut?: string;
  readonly variant?: "plain" | "quiet";
}

export function IconButton({ icon: Icon, label, shortcut, variant = "quiet", ...props }: IconButtonProps) {
  return (
    <Tooltip text={label} {...(shortcut ? { shortcut } : {})}>
      <AriaButton {...props} aria-label={label} className={classes(styles.button, styles.icon, variantClass[variant])}>
        <Icon size={16} aria-hidden />
      </AriaButton>
    </Tooltip>
  );
}

export interface ToggleIconButtonProps {
  readonly icon: LucideIcon;
  readonly label: string;
  readonly shortcut?: string;
  readonly isSelected: boolean;
  readonly isDisabled?: boolean;
  readonly onChange: (isSelected: boolean) => void;
}

/** A button that stays lit while what it names is on. */
export function ToggleIconButton({ icon: Icon, label, shortcut, isSelected, ...props }: ToggleIconButtonProps) {
  return (
    <Tooltip text={label} {...(shortcut ? { shortcut } : {})}>
      <ToggleButton
        {...props}
        isSelected={isSelected}
        aria-label={label}
        className={classes(styles.button, styles.icon, styles.quiet, isSelected && styles.lit)}
      >
        <Icon size={16} aria-hidden />
      </ToggleButton>
    </Tooltip>
  );
}
