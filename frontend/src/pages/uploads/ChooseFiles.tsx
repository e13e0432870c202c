import { FilePlus2, FolderOpen, Plus } from "lucide-react";
import { useRef } from "react";

import { takePicked } from "../../lib/dropped_files";
import { useTranslate } from "../../lib/messages";
import { useKeys } from "../../lib/use_keys";
import { chosenFiles } from "../../state/chosen_files";
import { Button } from "../../ui/Button";
import { Menu, MenuItem } from "../../ui/Menu";

/** The button beside drag and drop: files, or a whole folder. */
export function ChooseFiles() {
  const t = useTranslate();
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = (event: React.ChangeEvent<HTMLInputElement>) => {
    if (event.target.files?.length) chosenFiles.dispatch(takePicked(event.target.files));
    event.target.value = ""; // the same choice again is a choice
  };
  useKeys({ u: () => files.current?.click() });
  const hidden = { type: "file", multiple: true, hidden: true, onChange: take } as const;
  return (
    <>
      <input {...hidden} ref={files} data-testid="choose-files" />
      <input {...hidden} ref={folder} data-testid="choose-folder" {...{ webkitdirectory: "" }} />
      <Menu
        trigger={
          <Button variant="primary" icon={Plus}>
            {t("worklist.choose_files")}
          </Button>
        }
      >
        <MenuItem icon={FilePlus2} label={t("worklist.choose_single_files")} onAction={() => files.current?.click()} />
        <MenuItem icon={FolderOpen} label={t("worklist.choose_folder")} onAction={() => folder.current?.click()} />
      </Menu>
    </>
  );
}
