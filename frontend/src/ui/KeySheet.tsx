import { useTranslate } from "../lib/messages";
import styles from "./KeySheet.module.css";
import { Panel } from "./Panel";

export interface KeyLine {
  /** The keys that do it, in words on the cap: "j", "Enter". */
  readonly keys: readonly string[];
  readonly label: string;
}

interface KeySheetProps {
  readonly lines: readonly KeyLine[];
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** The list of a page's keys, under `?`. */
export function KeySheet({ lines, isOpen, onClose }: KeySheetProps) {
  const t = useTranslate();
  return (
    <Panel title={t("keys.title")} isOpen={isOpen} onClose={onClose}>
      <dl className={styles.keys}>
        {lines.map((line) => (
          <div key={line.label} style={{ display: "contents" }}>
            <dt>
              {line.keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{line.label}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
