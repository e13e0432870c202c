import { type FormEvent, useState } from "react";

import type { Assessment, OverrideWish } from "../../../api/records";
import { useOverride } from "../../../api/tracking";
import { useTranslate } from "../../../lib/messages";
import { ApiProblem } from "../../../lib/problem";
import { Button } from "../../../ui/Button";
import { Select } from "../../../ui/Select";
import { TextField } from "../../../ui/TextField";
import styles from "./Verdict.module.css";

type Response = OverrideWish["response"];

const RESPONSES: Readonly<Record<string, readonly Response[]>> = {
  IRECIST: ["iCR", "iPR", "iSD", "iUPD", "iCPD", "NE"],
  PERCIST: ["CMR", "PMR", "SMD", "PMD", "NE"],
};
const COMMON: readonly Response[] = ["CR", "PR", "MR", "SD", "NON-CR/NON-PD", "PD", "PPD", "NE"];

interface OverrideFormProps {
  readonly patientId: string;
  readonly assessment: Assessment;
  readonly onEnd: () => void;
}

/** A reader's verdict with its reason; the computed one stays beside it. */
export function OverrideForm({ patientId, assessment, onEnd }: OverrideFormProps) {
  const t = useTranslate();
  const choices = RESPONSES[assessment.criterion] ?? COMMON;
  const [response, setResponse] = useState<Response>(choices[0] ?? "NE");
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");
  const override = useOverride(patientId, (error) =>
    setProblem(error instanceof ApiProblem ? error.sentence : String(error)),
  );
  const isOverridden = Boolean(assessment.overrides[0]?.response);
  const send = (said: Response) =>
    override.mutate(
      { criterion: assessment.criterion, digest: assessment.digest, response: said, reason },
      { onSuccess: onEnd },
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send(response);
  };
  return (
    <form className={styles.form} onSubmit={submit} aria-label={t("verdict.override_title")}>
      <Select
        label={t("verdict.override_response")}
        choices={choices.map((each) => ({ value: each, label: each }))}
        value={response}
        onChange={setResponse}
        takesFocus
      />
      <TextField
        label={t("verdict.override_reason")}
        hint={t("verdict.override_hint")}
        value={reason}
        onChange={setReason}
        isRequired
      />
      {problem ? <p className={styles.caution}>{problem}</p> : null}
      <div className={styles.row}>
        <Button type="submit" variant="primary" size="small" isDisabled={!reason.trim() || override.isPending}>
          {t("verdict.override_save")}
        </Button>
        {isOverridden ? (
          <Button size="small" isDisabled={!reason.trim() || override.isPending} onPress={() => send("")}>
            {t("verdict.override_back")}
          </Button>
        ) : null}
        <Button size="small" variant="quiet" onPress={onEnd}>
          {t("verdict.cancel")}
        </Button>
      </div>
    </form>
  );
}
