import { Check } from "lucide-react";
import { Checkbox as AriaCheckbox } from "react-aria-components";

import styles from "./Field.module.css";

export interface CheckboxProps {
  readonly label: string;
  readonly isSelected: boolean;
  readonly isDisabled?: boolean;
  readonly onChange: (isSelected: boolean) => void;
}

export function Checkbox({ label, ...props }: CheckboxProps) {
  return (
    <AriaCheckbox {...props} className={styles.checkbox ?? ""}>
      <span className={styles.box}>
        <Check size={12} strokeWidth={3} aria-hidden />
      </span>
      {label}
    </AriaCheckbox>
  );
}
