import { FileArchive, FolderOpen } from "lucide-react";
import { useRef } from "react";

import { formatBytes } from "../../lib/bytes";
import { type PickedFile, takePicked } from "../../lib/dropped_files";
import { useLocale, useTranslate } from "../../lib/messages";
import { Button } from "../../ui/Button";
import modelStyles from "../models/Models.module.css";

interface ChosenCasesProps {
  readonly picked: readonly PickedFile[];
  readonly problem: string;
  readonly onChoose: (picked: readonly PickedFile[]) => void;
}

/** A zip or a folder of images and label maps. */
export function ChosenCases({ picked, problem, onChoose }: ChosenCasesProps) {
  const t = useTranslate();
  const locale = useLocale();
  const zip = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = (event: React.ChangeEvent<HTMLInputElement>) => {
    if (event.target.files?.length) onChoose(takePicked(event.target.files));
    event.target.value = ""; // the same choice again is a choice
  };
  const bytes = picked.reduce((sum, { file }) => sum + file.size, 0);
  const [first] = picked;
  const words = !first
    ? t("evaluations.no_cases")
    : picked.length === 1
      ? first.file.name
      : t("evaluations.files", { count: picked.length });
  return (
    <div className={modelStyles.wide}>
      <input ref={zip} type="file" hidden accept=".zip" data-testid="choose-cases" onChange={take} />
      <input
        ref={folder}
        type="file"
        hidden
        data-testid="choose-cases-folder"
        onChange={take}
        {...{ webkitdirectory: "" }}
      />
      <div className={modelStyles.chosen}>
        <span className={modelStyles.fileName}>{words}</span>
        {first ? <span className="quiet">{formatBytes(bytes, locale)}</span> : null}
        <Button icon={FileArchive} onPress={() => zip.current?.click()}>
          {t("evaluations.choose_zip")}
        </Button>
        <Button icon={FolderOpen} onPress={() => folder.current?.click()}>
          {t("evaluations.choose_folder")}
        </Button>
      </div>
      {problem ? (
        <p className={modelStyles.refused} role="alert">
          {problem}
        </p>
      ) : null}
      <p className={modelStyles.explained}>
        {t("evaluations.layout")} {t("evaluations.table_hint")} {t("evaluations.privacy")}
      </p>
    </div>
  );
}
