import { Switch as AriaSwitch } from "react-aria-components";

import styles from "./Switch.module.css";

export interface SwitchProps {
  /** What it switches: read aloud, and shown beside it unless hidden. */
  readonly label: string;
  readonly isLabelHidden?: boolean;
  readonly isSelected: boolean;
  readonly isDisabled?: boolean;
  readonly onChange: (isSelected: boolean) => void;
}

/** On or off at once, as opposed to a box that is ticked and sent. */
export function Switch({ label, isLabelHidden = false, ...props }: SwitchProps) {
  return (
    <AriaSwitch {...props} className={styles.switch ?? ""} {...(isLabelHidden ? { "aria-label": label } : {})}>
      <span className={styles.track} aria-hidden>
        <span className={styles.thumb} />
      </span>
      {isLabelHidden ? null : label}
    </AriaSwitch>
  );
}
