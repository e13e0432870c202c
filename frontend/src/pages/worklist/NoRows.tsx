import { FileUp, SearchX, Users } from "lucide-react";

import { canAddFiles } from "../../actions/add_files";
import type { SessionUser } from "../../api/records";
import { useTranslate } from "../../lib/messages";
import { Button } from "../../ui/Button";
import { EmptyState } from "../../ui/States";

interface NoRowsProps {
  readonly user: SessionUser;
  readonly isNarrowed: boolean;
  readonly onClear: () => void;
}

/** An empty list says why it is empty and what to do next. */
export function NoRows({ user, isNarrowed, onClear }: NoRowsProps) {
  const t = useTranslate();
  if (isNarrowed) {
    return (
      <EmptyState icon={SearchX} title={t("worklist.no_match_title")} sentence={t("worklist.no_match")}>
        <Button onPress={onClear}>{t("worklist.clear_filters")}</Button>
      </EmptyState>
    );
  }
  if (user.teams.length === 0) {
    return <EmptyState icon={Users} title={t("worklist.no_team_title")} sentence={t("worklist.no_team")} />;
  }
  const sentence = canAddFiles(user) ? t("worklist.empty") : t("worklist.empty_viewer");
  return <EmptyState icon={FileUp} title={t("worklist.empty_title")} sentence={sentence} />;
}
