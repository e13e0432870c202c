import { type FormEvent, useRef, useState } from "react";

import { refetchEvaluations, sendEvaluation, useEvaluations } from "../../api/evaluations";
import { type CatalogueModel, useCatalogue } from "../../api/models";
import type { SessionUser } from "../../api/records";
import type { Sending as Upload } from "../../api/sending";
import type { PickedFile } from "../../lib/dropped_files";
import { type PlainMessageKey, useLocale, useTranslate } from "../../lib/messages";
import { MOST_ZIP_BYTES, MOST_ZIP_FILES, packFiles } from "../../lib/zip";
import { EMPTY_EVALUATION, type EvaluationDraft, problemsOf, wishOf } from "../../state/evaluation";
import { Button } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { Panel } from "../../ui/Panel";
import { ProgressLine } from "../../ui/ProgressLine";
import { sentenceOf } from "../../ui/States";
import { useSignedIn } from "../shell/use_signed_in";
import modelStyles from "../models/Models.module.css";
import { ChosenCases } from "./ChosenCases";
import { EvaluationFields } from "./EvaluationFields";

const ZIP = /\.zip$/i;

/** The one zip that was chosen, or a folder's files as one. */
async function packCases(picked: readonly PickedFile[], onFile: (done: number) => void): Promise<Blob> {
  const [first] = picked;
  return first && isZip(picked) ? first.file : packFiles(picked, onFile);
}

/** A folder is named after itself. */
function nameOf(picked: readonly PickedFile[]): string {
  const [first] = picked;
  if (!first) return "";
  return isZip(picked) ? first.file.name : `${first.path.split("/")[0] ?? "cases"}.zip`;
}

/** Packs and sends; says how far it is. */
function useSending(onDone: (id: string) => void) {
  const t = useTranslate();
  const locale = useLocale();
  const [state, setState] = useState<{ readonly words: string; readonly share: number }>();
  const [refusal, setRefusal] = useState("");
  const running = useRef<Upload>(null);
  const isStopped = useRef(false);
  const send = async (picked: readonly PickedFile[], draft: EvaluationDraft, segments: readonly number[]) => {
    setRefusal("");
    isStopped.current = false;
    const packing = (done: number) =>
      setState({ words: t("evaluations.packing", { done, total: picked.length }), share: done / picked.length });
    const sending = (share: number) =>
      setState({
        words: t("evaluations.sending", { percent: share.toLocaleString(locale, { style: "percent" }) }),
        share,
      });
    try {
      const isFile = draft.source === "file";
      sending(0);
      const body = isFile ? await packCases(picked, packing) : new Blob();
      if (isStopped.current) return;
      running.current = sendEvaluation(wishOf(draft, isFile ? nameOf(picked) : "", segments), body, sending);
      const id = await running.current.done;
      refetchEvaluations();
      onDone(id);
    } catch (error) {
      const isOwn = error instanceof DOMException && error.name === "AbortError";
      if (!isOwn) setRefusal(error instanceof DOMException ? t("evaluations.unreadable") : sentenceOf(error, t));
    } finally {
      setState(undefined);
    }
  };
  const stop = () => {
    isStopped.current = true;
    running.current?.stop();
  };
  return { state, refusal, send, stop };
}

const isZip = (picked: readonly PickedFile[]): boolean => picked.length === 1 && ZIP.test(picked[0]?.path ?? "");

/** What is wrong with a folder; a zip can be anything. */
function problemOfFolder(picked: readonly PickedFile[], bytes: number): PlainMessageKey | undefined {
  if (bytes > MOST_ZIP_BYTES || picked.length > MOST_ZIP_FILES) return "evaluations.zip_it";
  return picked.some(({ path }) => path.includes("/")) ? undefined : "evaluations.not_a_folder";
}

function useProblemOfCases(picked: readonly PickedFile[]): string {
  const t = useTranslate();
  const most = useEvaluations().data?.most_bytes ?? MOST_ZIP_BYTES;
  if (picked.length === 0) return "";
  const bytes = picked.reduce((sum, { file }) => sum + file.size, 0);
  if (bytes > most) return t("evaluations.too_large");
  const problem = isZip(picked) ? undefined : problemOfFolder(picked, bytes);
  return problem ? t(problem) : "";
}

/** Models that can run over many images without a person. */
const isEvaluable = ({ parameters, channels }: CatalogueModel): boolean =>
  channels.length === 0 && parameters.every((parameter) => parameter.default !== null);

/** Whether everything has been said. */
const isComplete = ({ model, team, source }: EvaluationDraft, picked: readonly PickedFile[]): boolean =>
  model !== "" && team !== "" && (source === "archive" || picked.length > 0);

function useDraft(model: string, teams: SessionUser["teams"]) {
  const [only, ...more] = teams;
  const team = only && more.length === 0 ? only.id : "";
  const [draft, setDraft] = useState<EvaluationDraft>({ ...EMPTY_EVALUATION, model, team });
  const change = (fields: Partial<EvaluationDraft>) => setDraft((current) => ({ ...current, ...fields }));
  return { draft, change };
}

interface EvaluationFormProps {
  readonly model: string;
  readonly dropped: readonly PickedFile[];
  readonly onClose: (id: string) => void;
}

/** Which model, which cases, and what must come out for it to be accepted: decided before the run. */
export function EvaluationForm({ model, dropped, onClose }: EvaluationFormProps) {
  const t = useTranslate();
  const { user } = useSignedIn();
  const catalogue = useCatalogue();
  const models = (catalogue.data ?? []).filter(isEvaluable);
  const [picked, setPicked] = useState(dropped);
  const { draft, change } = useDraft(model, user.teams);
  const chosen = models.find(({ name }) => name === draft.model);
  const sending = useSending(onClose);
  const wrong = problemsOf(draft);
  const problem = useProblemOfCases(draft.source === "file" ? picked : []);
  const isBusy = sending.state !== undefined;
  const isReady = isComplete(draft, picked) && !problem && wrong.length === 0 && !isBusy;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady && chosen)
      void sending.send(
        picked,
        draft,
        chosen.segments.map(({ segment_number }) => segment_number),
      );
  };
  const close = () => {
    sending.stop();
    onClose("");
  };
  return (
    <Panel title={t("evaluations.new")} isOpen onClose={close}>
      <form className={modelStyles.form} onSubmit={submit}>
        <EvaluationFields
          draft={draft}
          change={change}
          models={models}
          chosen={chosen}
          teams={user.teams}
          wrong={wrong}
        />
        {draft.source === "file" ? <ChosenCases picked={picked} problem={problem} onChoose={setPicked} /> : null}
        <Notice state={sending.state} refusal={sending.refusal} />
        <div className={modelStyles.acts}>
          <Button type="submit" variant="primary" isDisabled={!isReady}>
            {t("evaluations.start")}
          </Button>
          <Button onPress={isBusy ? sending.stop : close}>{t(isBusy ? "models.stop" : "models.cancel")}</Button>
        </div>
      </form>
    </Panel>
  );
}

interface NoticeProps {
  readonly state: { readonly words: string; readonly share: number } | undefined;
  readonly refusal: string;
}

function Notice({ state, refusal }: NoticeProps) {
  if (refusal)
    return (
      <p className={classes(modelStyles.wide, modelStyles.refused)} role="alert">
        {refusal}
      </p>
    );
  if (!state) return null;
  return (
    <div className={modelStyles.wide} role="status">
      {state.words}
      <ProgressLine label={state.words} share={state.share} />
    </div>
  );
}
