import { ChevronDown } from "lucide-react";
import { Button, Label, ListBox, ListBoxItem, Popover, Select as AriaSelect, SelectValue } from "react-aria-components";

import { classes } from "./classes";
import fieldStyles from "./Field.module.css";
import menuStyles from "./Menu.module.css";

export interface Choice<Value extends string> {
  readonly value: Value;
  readonly label: string;
}

export interface SelectProps<Value extends string> {
  readonly label: string;
  /** Where the label stands: over the control, or only for those who hear the page (the value says it). */
  readonly labelPlace?: "above" | "hidden";
  readonly choices: readonly Choice<Value>[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  readonly isDisabled?: boolean;
  /** What stands there while nothing is chosen. */
  readonly placeholder?: string;
  /** Where a form opens in the place of the button that was pressed, so that the keyboard does not lose its place. */
  readonly takesFocus?: boolean;
  /** Draws the control as one that narrows something. */
  readonly isLit?: boolean;
}

export function Select<Value extends string>(props: SelectProps<Value>) {
  const { label, choices, value, onChange, isDisabled = false, isLit = false } = props;
  const labelClass = props.labelPlace === "hidden" ? "visually-hidden" : fieldStyles.label;
  return (
    <AriaSelect
      value={value}
      placeholder={props.placeholder ?? ""}
      onChange={(key) => onChange(key as Value)}
      isDisabled={isDisabled}
      // eslint-disable-next-line jsx-a11y/no-autofocus -- see takesFocus
      autoFocus={Boolean(props.takesFocus)}
      className={fieldStyles.field ?? ""}
    >
      <Label className={classes(labelClass)}>{label}</Label>
      <Button className={classes(fieldStyles.trigger, isLit && fieldStyles.chosen)}>
        <SelectValue className={classes(fieldStyles.value)} />
        <ChevronDown size={14} aria-hidden />
      </Button>
      <Popover className={menuStyles.popover ?? ""} offset={4}>
        <ListBox items={choices} className={menuStyles.list ?? ""}>
          {(choice) => (
            <ListBoxItem id={choice.value} textValue={choice.label} className={menuStyles.item ?? ""}>
              {choice.label}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}
