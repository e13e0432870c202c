import { FileUp } from "lucide-react";
import { useEffect, useState } from "react";
import { useLocation } from "react-router";

import { addFilesAct, canAddFiles } from "../../actions/add_files";
import type { SessionUser } from "../../api/records";
import { refreshReceived, uploadStore } from "../../api/upload_center";
import type { PickedFile } from "../../lib/dropped_files";
import { useTranslate } from "../../lib/messages";
import { useStore } from "../../lib/store";
import { chosenFiles } from "../../state/chosen_files";
import type { UploadItem, UploadQueue } from "../../state/upload_queue";
import { Button } from "../../ui/Button";
import { notify } from "../../ui/notice_queue";
import { DetailsForm } from "./DetailsForm";
import { TeamChoice } from "./TeamChoice";
import { UploadList } from "./UploadList";
import { UploadSummary } from "./UploadSummary";
import styles from "./Uploads.module.css";
import { useFileDrop } from "./use_file_drop";
import { useLeftovers } from "./use_leftovers";

const same = <State,>(state: State): State => state;
/** What is dropped there is a model, no image. */
const TAKES_MODELS = /^\/models(\/|$)/;
const BACKSTOP_MS = 10_000;

/** Holds chosen files until it is clear for which team they are. */
function useChosenFiles(user: SessionUser) {
  const t = useTranslate();
  const [held, setHeld] = useState<readonly PickedFile[]>([]);
  const take = (files: readonly PickedFile[]) => {
    const [only, ...more] = user.teams;
    if (files.length === 0) notify(t("uploads.empty_drop"));
    else if (!canAddFiles(user)) notify(t(only ? "uploads.not_allowed" : "uploads.no_team"), "danger");
    else if (only && more.length === 0) void addFilesAct.run({ user, teamId: only.id, files });
    else setHeld((current) => [...current, ...files]);
  };
  const send = (teamId: string) => {
    void addFilesAct.run({ user, teamId, files: held });
    setHeld([]);
  };
  return { held, take, send, discard: () => setHeld([]) };
}

/** Asks the server now and then while files are being read. */
function useBackstop(queue: UploadQueue): void {
  const isReading = [...queue.items.values()].some((item) => item.phase === "received");
  useEffect(() => {
    if (!isReading) return;
    const timer = setInterval(() => void refreshReceived().catch(() => undefined), BACKSTOP_MS);
    return () => clearInterval(timer);
  }, [isReading]);
}

function DropVeil() {
  const t = useTranslate();
  return (
    <section className={styles.veil} aria-label={t("uploads.drop_here")}>
      <FileUp size={40} strokeWidth={1.5} aria-hidden />
      <strong>{t("uploads.drop_here")}</strong>
      <span className="quiet">{t("uploads.drop_detail")}</span>
    </section>
  );
}

interface CutOffProps {
  readonly count: number;
  readonly onForget: () => void;
}

/** Files of an earlier visit that did not arrive whole. */
function CutOff({ count, onForget }: CutOffProps) {
  const t = useTranslate();
  return (
    <div className={styles.line}>
      <p className={styles.asks}>{t("uploads.leftover", { count })}</p>
      <div className={styles.acts}>
        <Button variant="quiet" onPress={onForget}>
          {t("uploads.leftover_forget")}
        </Button>
      </div>
    </div>
  );
}

/** The queue, as one line and, on demand, file by file. */
function Queue({ queue }: { readonly queue: UploadQueue }) {
  const [isOpen, setOpen] = useState(false);
  const [asking, setAsking] = useState<UploadItem>();
  const open = [...queue.items.values()].filter((item) => item.phase === "needs_details");
  return (
    <>
      <UploadSummary queue={queue} isOpen={isOpen} onToggle={() => setOpen(!isOpen)} onDetails={setAsking} />
      {isOpen ? <UploadList queue={queue} onDetails={setAsking} /> : null}
      {asking ? (
        <DetailsForm
          item={asking}
          others={open.filter((item) => item.key !== asking.key)}
          onClose={() => setAsking(undefined)}
        />
      ) : null}
    </>
  );
}

/** Takes files dropped anywhere and shows, at the foot of the page, what becomes of them. */
export function UploadArea({ user }: { readonly user: SessionUser }) {
  const t = useTranslate();
  const queue = useStore(uploadStore, same);
  const { held, take, send, discard } = useChosenFiles(user);
  const { pathname } = useLocation();
  const { isOver, walked } = useFileDrop(!TAKES_MODELS.test(pathname), take);
  const { cutOff, forget } = useLeftovers(user.id);
  useBackstop(queue);
  useEffect(() => chosenFiles.subscribe(() => take(chosenFiles.get())));
  const missing = cutOff.filter((upload) => !queue.keyOfUpload.has(upload.id));
  const lines = [
    walked === undefined ? null : (
      <p key="walked" className={styles.line} role="status">
        {t("uploads.reading_folder", { count: walked })}
      </p>
    ),
    held.length === 0 ? null : (
      <TeamChoice key="team" user={user} fileCount={held.length} onChoose={send} onDiscard={discard} />
    ),
    missing.length === 0 ? null : <CutOff key="cut" count={missing.length} onForget={forget} />,
    queue.keys.length > 0 ? <Queue key="queue" queue={queue} /> : null,
  ].filter((line) => line !== null);
  return (
    <>
      {isOver ? <DropVeil /> : null}
      {lines.length > 0 ? (
        <section className={styles.strip} aria-label={t("uploads.region")}>
          {lines}
        </section>
      ) : null}
    </>
  );
}
