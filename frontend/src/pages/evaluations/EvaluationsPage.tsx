import { ClipboardCheck, FileUp, Plus } from "lucide-react";
import { useEffect, useState } from "react";
import { Link, useSearchParams } from "react-router";

import { useEvaluations } from "../../api/evaluations";
import type { PickedFile } from "../../lib/dropped_files";
import { useTranslate } from "../../lib/messages";
import { ApiProblem } from "../../lib/problem";
import { useKeys } from "../../lib/use_keys";
import { Button } from "../../ui/Button";
import { EmptyState, ErrorState, LoadingState } from "../../ui/States";
import { Toolbar, ToolbarEnd } from "../../ui/Toolbar";
import { useSignedIn } from "../shell/use_signed_in";
import uploadStyles from "../uploads/Uploads.module.css";
import { useFileDrop } from "../uploads/use_file_drop";
import { EvaluationForm } from "./EvaluationForm";
import { EvaluationList } from "./EvaluationList";
import { EvaluationPanel } from "./EvaluationPanel";
import styles from "./Evaluations.module.css";

function Veil() {
  const t = useTranslate();
  return (
    <section className={uploadStyles.veil} aria-label={t("evaluations.drop_here")}>
      <FileUp size={40} strokeWidth={1.5} aria-hidden />
      <strong>{t("evaluations.drop_here")}</strong>
      <span className="quiet">{t("evaluations.layout")}</span>
    </section>
  );
}

interface ShownProps {
  readonly openId: string;
  readonly onOpen: (id: string) => void;
  readonly onNew: () => void;
}

/** The list, and beside it the one that is open; with none asked for the newest. */
function Shown({ openId, onOpen, onNew }: ShownProps) {
  const t = useTranslate();
  const answer = useEvaluations();
  if (answer.isPending) return <LoadingState />;
  if (!answer.data) return <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />;
  const rows = answer.data.results;
  const shown = openId || (rows[0]?.id ?? "");
  if (!shown)
    return (
      <EmptyState icon={ClipboardCheck} title={t("evaluations.none_title")} sentence={t("evaluations.none")}>
        <Button variant="primary" icon={Plus} onPress={onNew}>
          {t("evaluations.new")}
        </Button>
      </EmptyState>
    );
  return (
    <div className={styles.beside}>
      <EvaluationList rows={rows} openId={shown} onOpen={onOpen} />
      <EvaluationPanel key={shown} id={shown} />
    </div>
  );
}

function Evaluations() {
  const t = useTranslate();
  const [search, setSearch] = useSearchParams();
  const askedModel = search.get("model") ?? "";
  const [isOpen, setOpen] = useState(askedModel !== "");
  const [picked, setPicked] = useState<readonly PickedFile[]>([]);
  const open = (id: string) => setSearch(id ? { evaluation: id } : {}, { replace: true });
  const begin = () => setOpen(true);
  const { isOver } = useFileDrop(!isOpen, (files) => {
    setPicked(files);
    setOpen(true);
  });
  useKeys({ n: begin });
  const close = (id: string) => {
    setOpen(false);
    setPicked([]);
    if (id || askedModel) open(id);
  };
  return (
    <>
      <Toolbar>
        <p className={styles.lead}>{t("evaluations.lead")}</p>
        <ToolbarEnd>
          <Button variant="primary" icon={Plus} shortcut="N" onPress={begin}>
            {t("evaluations.new")}
          </Button>
        </ToolbarEnd>
      </Toolbar>
      <Shown openId={search.get("evaluation") ?? ""} onOpen={open} onNew={begin} />
      {isOpen ? <EvaluationForm model={askedModel} dropped={picked} onClose={close} /> : null}
      {isOver ? <Veil /> : null}
    </>
  );
}

/** May this model be trusted with our images? For administrators. */
export default function EvaluationsPage() {
  const t = useTranslate();
  const { user } = useSignedIn();
  useEffect(() => {
    document.title = `${t("evaluations.title")} - ${t("app.name")}`;
  }, [t]);
  if (user.role !== "administrator")
    return (
      <ErrorState isPage error={new ApiProblem(403, "role.forbidden", t("evaluations.forbidden"))}>
        <Link to="/">{t("state.back_to_worklist")}</Link>
      </ErrorState>
    );
  return (
    <div className={styles.page}>
      <h1 className="visually-hidden">{t("evaluations.title")}</h1>
      <Evaluations />
    </div>
  );
}
