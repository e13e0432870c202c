import { FileUp, Plus, SearchX } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "react-router";

import { type CatalogueModel, isUnderWay, refetchCatalogue, useCatalogue, useImports } from "../../api/models";
import { useTranslate } from "../../lib/messages";
import { useKeys } from "../../lib/use_keys";
import { Button } from "../../ui/Button";
import { notify } from "../../ui/notice_queue";
import { EmptyState, ErrorState, LoadingState } from "../../ui/States";
import { SearchField } from "../../ui/TextField";
import { Toolbar, ToolbarEnd, ToolbarSearch } from "../../ui/Toolbar";
import uploadStyles from "../uploads/Uploads.module.css";
import { useFileDrop } from "../uploads/use_file_drop";
import { ImportForm } from "./ImportForm";
import { ImportList } from "./ImportList";
import { ModelCardPanel } from "./ModelCardPanel";
import styles from "./Models.module.css";
import { ModelTable } from "./ModelTable";

const matches = (model: CatalogueModel, words: readonly string[]): boolean => {
  const text = [model.title, model.name, model.model_format, ...model.modalities, ...model.segments.map(labelOf)]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
};
const labelOf = ({ segment_label }: CatalogueModel["segments"][number]): string => segment_label;

/** The catalogue is asked again when an import has come to its end. */
function useFreshCatalogue(): void {
  const imports = useImports();
  const open = imports.data?.results.filter(isUnderWay).length ?? 0;
  const before = useRef(open);
  useEffect(() => {
    if (open < before.current) refetchCatalogue();
    before.current = open;
  }, [open]);
}

/** A file dropped anywhere on the page, or chosen in the form, on its way to be described and sent. */
function useDroppedModel() {
  const t = useTranslate();
  const [file, setFile] = useState<File>();
  const [isOpen, setOpen] = useState(false);
  const { isOver } = useFileDrop(!isOpen, (picked) => {
    const [only, ...more] = picked;
    if (!only || more.length > 0) {
      notify(t("models.one_file"), "danger");
      return;
    }
    setFile(only.file);
    setOpen(true);
  });
  const close = () => {
    setOpen(false);
    setFile(undefined);
  };
  return { file, isOpen, isOver, open: () => setOpen(true), close };
}

interface ListProps {
  readonly words: readonly string[];
  readonly openName: string;
  readonly onOpen: (name: string) => void;
}

function List({ words, openName, onOpen }: ListProps) {
  const t = useTranslate();
  const catalogue = useCatalogue();
  if (catalogue.isPending) return <LoadingState />;
  if (!catalogue.data) return <ErrorState error={catalogue.error} onRetry={() => void catalogue.refetch()} />;
  const shown = catalogue.data.filter((model) => matches(model, words));
  if (shown.length === 0)
    return <EmptyState icon={SearchX} title={t("models.no_match_title")} sentence={t("models.no_match")} />;
  return <ModelTable models={shown} openName={openName} onOpen={onOpen} />;
}

function Veil() {
  const t = useTranslate();
  return (
    <section className={uploadStyles.veil} aria-label={t("models.drop_here")}>
      <FileUp size={40} strokeWidth={1.5} aria-hidden />
      <strong>{t("models.drop_here")}</strong>
      <span className="quiet">{t("models.drop_detail")}</span>
    </section>
  );
}

/** The models there are, one card beside them, and what is on its way in. */
export function Catalogue() {
  const t = useTranslate();
  const [search, setSearch] = useSearchParams();
  const [typed, setTyped] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const dropped = useDroppedModel();
  const openName = search.get("model") ?? "";
  const open = (model: string) => setSearch(model ? { model } : {}, { replace: true });
  useFreshCatalogue();
  useKeys({ "/": () => field.current?.focus(), Escape: () => open("") });
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return (
    <div className={styles.beside}>
      <div className={styles.main}>
        <Toolbar>
          <ToolbarSearch>
            <SearchField
              label={t("models.search")}
              clearLabel={t("models.clear_search")}
              placeholder={t("models.search_placeholder")}
              shortcut="/"
              value={typed}
              onChange={setTyped}
              inputRef={field}
            />
          </ToolbarSearch>
          <ToolbarEnd>
            <Button variant="primary" icon={Plus} onPress={dropped.open}>
              {t("models.import")}
            </Button>
          </ToolbarEnd>
        </Toolbar>
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keyboard users scroll it */}
        <div className={styles.scroller} tabIndex={0} role="group" aria-label={t("models.table")}>
          <List words={words} openName={openName} onOpen={open} />
          <ImportList onOpen={open} />
        </div>
      </div>
      {openName ? <ModelCardPanel key={openName} name={openName} onClose={() => open("")} /> : null}
      {dropped.isOpen ? <ImportForm initial={dropped.file} onClose={dropped.close} /> : null}
      {dropped.isOver ? <Veil /> : null}
    </div>
  );
}
