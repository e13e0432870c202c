import { useTranslate } from "../lib/messages";
import { Badge } from "./Badge";

/** On every page, small, never in the way. */
export function ResearchUseOnly() {
  const t = useTranslate();
  return (
    <Badge tone="caution" hint={t("app.research_use_only_long")}>
      {t("app.research_use_only")}
    </Badge>
  );
}
