import { Users } from "lucide-react";
import { type FormEvent, useState } from "react";

import { type TeamLimit, useLimitChange, useLimits } from "../../api/routing";
import { useLocale, useTranslate } from "../../lib/messages";
import { Button } from "../../ui/Button";
import { notify } from "../../ui/notice_queue";
import { EmptyState, ErrorState, LoadingState, sentenceOf } from "../../ui/States";
import { Toolbar } from "../../ui/Toolbar";
import styles from "./Models.module.css";

const MOST = 100_000;

interface CountProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Count({ label, value, onChange }: CountProps) {
  return (
    <input
      type="number"
      className={styles.count}
      aria-label={label}
      min={1}
      max={MOST}
      step={1}
      required
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

function Row({ limit }: { readonly limit: TeamLimit }) {
  const t = useTranslate();
  const locale = useLocale();
  const [perPerson, setPerPerson] = useState(String(limit.most_per_person));
  const [perTeam, setPerTeam] = useState(String(limit.most_per_team));
  const change = useLimitChange((error) => notify(sentenceOf(error, t), "danger"));
  const form = `limit-${limit.team_id}`;
  const isChanged = Number(perPerson) !== limit.most_per_person || Number(perTeam) !== limit.most_per_team;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({
      team_id: limit.team_id,
      most_per_person: Number(perPerson),
      most_per_team: Number(perTeam),
    });
  };
  const team = limit.team_name;
  return (
    <tr>
      <td>{team}</td>
      <td>
        <Count label={t("limits.person_of", { team })} value={perPerson} onChange={setPerPerson} />
      </td>
      <td>
        <Count label={t("limits.team_of", { team })} value={perTeam} onChange={setPerTeam} />
      </td>
      <td className={styles.number}>{limit.active_jobs.toLocaleString(locale)}</td>
      <td className="quiet">{t(limit.is_default ? "limits.default" : "limits.own")}</td>
      <td>
        <form id={form} onSubmit={submit}>
          <Button
            type="submit"
            aria-label={t("limits.save_of", { team })}
            isDisabled={!isChanged || change.isPending || !perPerson || !perTeam}
          >
            {t("limits.save")}
          </Button>
        </form>
      </td>
    </tr>
  );
}

/** How much may be asked for at once. */
export function LimitsSection() {
  const t = useTranslate();
  const answer = useLimits();
  if (answer.isPending) return <LoadingState />;
  if (!answer.data) return <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />;
  if (answer.data.length === 0)
    return <EmptyState icon={Users} title={t("limits.none_title")} sentence={t("limits.none")} />;
  return (
    <>
      <Toolbar>
        <p className={styles.explained}>{t("limits.explained")}</p>
      </Toolbar>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keyboard users scroll it */}
      <div className={styles.scroller} tabIndex={0} role="group" aria-label={t("limits.table")}>
        <table className={styles.table} aria-label={t("limits.table")}>
          <thead>
            <tr>
              <th>{t("limits.team")}</th>
              <th style={{ width: 140 }}>{t("limits.per_person")}</th>
              <th style={{ width: 140 }}>{t("limits.per_team")}</th>
              <th className={styles.number} style={{ width: 80 }}>
                {t("limits.active")}
              </th>
              <th style={{ width: 140 }} aria-hidden />
              <th style={{ width: 120 }} aria-hidden />
            </tr>
          </thead>
          <tbody>
            {answer.data.map((limit) => (
              <Row key={limit.team_id} limit={limit} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
