import { useState } from "react";

import type { SessionUser } from "../../api/records";
import { useTranslate } from "../../lib/messages";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/Select";
import styles from "./Uploads.module.css";

interface TeamChoiceProps {
  readonly user: SessionUser;
  readonly fileCount: number;
  readonly onChoose: (teamId: string) => void;
  readonly onDiscard: () => void;
}

/** Asks a person of several teams who shall see the patients; nothing is sent before. */
export function TeamChoice({ user, fileCount, onChoose, onDiscard }: TeamChoiceProps) {
  const t = useTranslate();
  // None is preselected: a wrong guess would show a patient to the wrong people.
  const [teamId, setTeamId] = useState("");
  const teams = user.teams.map((team) => ({ value: team.id, label: team.name }));
  return (
    <div className={styles.line}>
      <p>
        <strong>{t("uploads.choose_team_title")}</strong> {t("uploads.choose_team", { count: fileCount })}
      </p>
      <Select
        label={t("worklist.team")}
        labelPlace="hidden"
        choices={[{ value: "", label: t("uploads.which_team") }, ...teams]}
        value={teamId}
        onChange={setTeamId}
      />
      <div className={styles.acts}>
        <Button variant="quiet" onPress={onDiscard}>
          {t("uploads.discard")}
        </Button>
        <Button variant="primary" isDisabled={teamId === ""} onPress={() => onChoose(teamId)}>
          {t("uploads.start")}
        </Button>
      </div>
    </div>
  );
}
