import { Search, X } from "lucide-react";
import type { Ref } from "react";
import {
  Button,
  FieldError,
  Input,
  Label,
  NumberField as AriaNumberField,
  type NumberFieldProps as AriaNumberFieldProps,
  SearchField as AriaSearchField,
  Text,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
} from "react-aria-components";

import { classes } from "./classes";
import styles from "./Field.module.css";

interface FieldParts {
  readonly label: string;
  readonly hint?: string;
  readonly error?: string;
  readonly size?: "small" | "large";
}

export interface TextFieldProps extends FieldParts, Omit<AriaTextFieldProps, "className" | "style" | "children"> {
  readonly inputRef?: Ref<HTMLInputElement>;
  readonly trailing?: React.ReactNode;
}

export function TextField({ label, hint, error, size, inputRef, trailing, ...props }: TextFieldProps) {
  return (
    <AriaTextField
      {...props}
      isInvalid={error !== undefined}
      className={classes(styles.field, size === "large" && styles.large)}
    >
      <Label className={styles.label ?? ""}>{label}</Label>
      <div className={styles.boxed}>
        <Input {...(inputRef ? { ref: inputRef } : {})} className={styles.input ?? ""} />
        {trailing ? <span className={styles.trailing}>{trailing}</span> : null}
      </div>
      <FieldMessages {...(hint ? { hint } : {})} {...(error ? { error } : {})} />
    </AriaTextField>
  );
}

export interface NumberFieldProps extends FieldParts, Omit<AriaNumberFieldProps, "className" | "style" | "children"> {}

export function NumberField({ label, hint, error, size, ...props }: NumberFieldProps) {
  return (
    <AriaNumberField
      {...props}
      isInvalid={error !== undefined}
      className={classes(styles.field, size === "large" && styles.large)}
    >
      <Label className={styles.label ?? ""}>{label}</Label>
      <Input className={styles.input ?? ""} />
      <FieldMessages {...(hint ? { hint } : {})} {...(error ? { error } : {})} />
    </AriaNumberField>
  );
}

function FieldMessages({ hint, error }: { readonly hint?: string; readonly error?: string }) {
  return (
    <>
      {hint ? (
        <Text slot="description" className={styles.hint ?? ""}>
          {hint}
        </Text>
      ) : null}
      {error ? <FieldError className={styles.error ?? ""}>{error}</FieldError> : null}
    </>
  );
}

export interface SearchFieldProps {
  readonly label: string;
  readonly clearLabel: string;
  readonly placeholder: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** The key that brings the focus here. */
  readonly shortcut?: string;
  readonly inputRef?: Ref<HTMLInputElement>;
}

export function SearchField({ label, clearLabel, placeholder, value, onChange, shortcut, inputRef }: SearchFieldProps) {
  return (
    <AriaSearchField aria-label={label} value={value} onChange={onChange} className={styles.field ?? ""}>
      <div className={styles.boxed}>
        <Search size={16} aria-hidden className={styles.leading} />
        <Input
          {...(inputRef ? { ref: inputRef } : {})}
          className={styles.input ?? ""}
          placeholder={placeholder}
          autoComplete="off"
          spellCheck="false"
        />
        {value ? (
          <span className={styles.trailing}>
            <Button className={styles.clear ?? ""} aria-label={clearLabel}>
              <X size={14} aria-hidden />
            </Button>
          </span>
        ) : null}
        {shortcut && !value ? (
          <span className={classes(styles.trailing, styles.key)} aria-hidden>
            <kbd>{shortcut}</kbd>
          </span>
        ) : null}
      </div>
    </AriaSearchField>
  );
}
