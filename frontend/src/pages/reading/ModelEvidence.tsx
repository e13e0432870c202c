import { useModelCard } from "../../api/models";
import { CardEvidence } from "../models/CardEvidence";
import { CardGate } from "../models/CardGate";
import styles from "./SidePanel.module.css";

/** How good the chosen model was found to be, where it was measured; its card says the rest in words. */
export function ModelEvidence({ name }: { readonly name: string }) {
  const { data } = useModelCard(name);
  if (!data?.evidence && !data?.gate) return null;
  return (
    <div className={styles.evidence}>
      {data.evidence ? <CardEvidence name={name} evidence={data.evidence} /> : null}
      {data.gate ? <CardGate name={name} trials={data.gate} /> : null}
    </div>
  );
}
