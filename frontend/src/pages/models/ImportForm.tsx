import { FileUp } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";

import { refetchImports, sendModel, useImports } from "../../api/models";
import type { Sending as Upload } from "../../api/sending";
import { formatBytes } from "../../lib/bytes";
import { type Translate, useLocale, useTranslate } from "../../lib/messages";
import { type DraftField, EMPTY_IMPORT, hasModelSuffix, type ImportDraft } from "../../state/model_import";
import { needsDescription, problemsOf, SUFFIXES, wishOf } from "../../state/model_import";
import { Button } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { Panel } from "../../ui/Panel";
import { ProgressLine } from "../../ui/ProgressLine";
import { Select } from "../../ui/Select";
import { sentenceOf } from "../../ui/States";
import { TextField } from "../../ui/TextField";
import { DescriptionFields } from "./DescriptionFields";
import styles from "./Models.module.css";

const MODALITIES = ["CT", "MR", "PT", "CR", "DX", "US", "MG", "OP", "XC"] as const;

/** Sends the file and says how far it is. */
function useSending(onDone: () => void) {
  const t = useTranslate();
  const [share, setShare] = useState<number>();
  const [refusal, setRefusal] = useState("");
  const running = useRef<Upload>(null);
  const send = async (file: File, draft: ImportDraft) => {
    setRefusal("");
    setShare(0);
    running.current = sendModel(file, wishOf(draft, file.name), setShare);
    try {
      await running.current.done;
      refetchImports();
      onDone();
    } catch (error) {
      if (!(error instanceof DOMException)) setRefusal(sentenceOf(error, t));
    } finally {
      setShare(undefined);
    }
  };
  return { share, refusal, send, stop: () => running.current?.stop() };
}

function NamingFields({ draft, change }: FieldsProps) {
  const t = useTranslate();
  const modalities = MODALITIES.map((value) => ({ value, label: value }));
  return (
    <>
      <div className={styles.wide}>
        <TextField
          label={t("models.field_title")}
          hint={t("models.field_title_hint")}
          value={draft.title}
          onChange={(title) => change({ title })}
          maxLength={100}
        />
      </div>
      <TextField
        label={t("models.field_name")}
        hint={t("models.field_name_hint")}
        value={draft.name}
        onChange={(name) => change({ name })}
        maxLength={64}
      />
      <TextField
        label={t("models.field_version")}
        value={draft.version}
        onChange={(version) => change({ version })}
        maxLength={32}
      />
      <TextField
        label={t("models.field_licence")}
        value={draft.licence}
        onChange={(licence) => change({ licence })}
        maxLength={100}
      />
      <Select<string>
        label={t("models.field_modality")}
        choices={[{ value: "", label: t("models.modality_from_file") }, ...modalities]}
        value={draft.modality}
        onChange={(modality) => change({ modality })}
      />
    </>
  );
}

export interface FieldsProps {
  readonly draft: ImportDraft;
  readonly change: (fields: Partial<ImportDraft>) => void;
  readonly wrong?: readonly DraftField[];
}

function problemOfFile(
  file: File | undefined,
  most: number | undefined,
  t: Translate,
  size: (bytes: number) => string,
): string {
  if (!file) return "";
  if (!hasModelSuffix(file.name)) return t("models.wrong_suffix");
  if (most !== undefined && file.size > most) return t("models.too_large", { size: size(file.size), most: size(most) });
  return "";
}

interface ChosenProps {
  readonly file: File | undefined;
  readonly problem: string;
  readonly onChoose: (file: File) => void;
}

function ChosenFile({ file, problem, onChoose }: ChosenProps) {
  const t = useTranslate();
  const locale = useLocale();
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className={styles.wide}>
      <input
        ref={input}
        type="file"
        hidden
        accept={SUFFIXES.join(",")}
        data-testid="choose-model"
        onChange={({ target }) => {
          const [chosen] = target.files ?? [];
          if (chosen) onChoose(chosen);
          target.value = "";
        }}
      />
      <div className={styles.chosen}>
        <span className={styles.fileName}>{file ? file.name : t("models.no_file")}</span>
        {file ? <span className="quiet">{formatBytes(file.size, locale)}</span> : null}
        <Button icon={FileUp} onPress={() => input.current?.click()}>
          {t(file ? "models.other_file" : "models.choose_file")}
        </Button>
      </div>
      {problem ? (
        <p className={styles.refused} role="alert">
          {problem}
        </p>
      ) : null}
    </div>
  );
}

interface ImportFormProps {
  readonly initial: File | undefined;
  readonly onClose: () => void;
}

/** Takes a model's file and what its files do not say. */
export function ImportForm({ initial, onClose }: ImportFormProps) {
  const t = useTranslate();
  const locale = useLocale();
  const most = useImports().data?.most_bytes;
  const [file, setFile] = useState(initial);
  const [draft, setDraft] = useState(EMPTY_IMPORT);
  const sending = useSending(onClose);
  const change = (fields: Partial<ImportDraft>) => setDraft((current) => ({ ...current, ...fields }));
  const problem = problemOfFile(file, most, t, (bytes) => formatBytes(bytes, locale));
  const wrong = file ? problemsOf(draft, file.name) : [];
  const isBusy = sending.share !== undefined;
  const isReady = file !== undefined && !problem && wrong.length === 0 && !isBusy;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) void sending.send(file, draft);
  };
  const close = () => {
    sending.stop();
    onClose();
  };
  return (
    <Panel title={t("models.import")} isOpen onClose={close}>
      <p className={styles.explained}>{t("models.import_explained")}</p>
      <form className={styles.form} onSubmit={submit}>
        <ChosenFile file={file} problem={problem} onChoose={setFile} />
        <NamingFields draft={draft} change={change} />
        {file && needsDescription(file.name) ? <DescriptionFields draft={draft} change={change} wrong={wrong} /> : null}
        <Sending share={sending.share} refusal={sending.refusal} />
        <div className={styles.acts}>
          <Button type="submit" variant="primary" isDisabled={!isReady}>
            {t("models.send")}
          </Button>
          <Button onPress={isBusy ? sending.stop : close}>{t(isBusy ? "models.stop" : "models.cancel")}</Button>
        </div>
      </form>
    </Panel>
  );
}

function Sending({ share, refusal }: { readonly share: number | undefined; readonly refusal: string }) {
  const t = useTranslate();
  const locale = useLocale();
  if (refusal)
    return (
      <p className={classes(styles.wide, styles.refused)} role="alert">
        {refusal}
      </p>
    );
  if (share === undefined) return null;
  const words = t("models.sending", { percent: share.toLocaleString(locale, { style: "percent" }) });
  return (
    <div className={styles.wide} role="status">
      {words}
      <ProgressLine label={words} share={share} />
    </div>
  );
}
