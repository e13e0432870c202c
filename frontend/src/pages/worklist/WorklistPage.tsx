import { useEffect, useRef, useState } from "react";

import { canAddFiles } from "../../actions/add_files";
import type { SessionUser, WorklistEntry } from "../../api/records";
import { uploadStore } from "../../api/upload_center";
import { useWorklist } from "../../api/worklist";
import { useTranslate } from "../../lib/messages";
import { useStore } from "../../lib/store";
import { useKeys } from "../../lib/use_keys";
import { isUnderWay } from "../../state/upload_queue";
import { isNarrowed, NO_FILTERS, queryOf, type WorklistFilters } from "../../state/worklist_filters";
import { KeySheet } from "../../ui/KeySheet";
import { ErrorState, LoadingState } from "../../ui/States";
import { useSignedIn } from "../shell/use_signed_in";
import { Foot } from "./Foot";
import { NoRows } from "./NoRows";
import { StudyTable } from "./StudyTable";
import { Tools } from "./Tools";
import { useFilters } from "./use_filters";
import { useRowFocus } from "./use_row_focus";
import { useWorklistRows } from "./use_worklist_rows";
import styles from "./Worklist.module.css";

function useKeyLines() {
  const t = useTranslate();
  return [
    { keys: ["/"], label: t("keys.focus_search") },
    { keys: ["j", "↓"], label: t("keys.next_row") },
    { keys: ["k", "↑"], label: t("keys.previous_row") },
    { keys: ["Enter"], label: t("keys.open_row") },
    { keys: ["p"], label: t("keys.open_patient") },
    { keys: ["r"], label: t("keys.refresh") },
    { keys: ["u"], label: t("keys.choose_files") },
    { keys: ["?"], label: t("keys.show_sheet") },
    { keys: ["Esc"], label: t("keys.leave") },
  ];
}

interface ListProps {
  readonly answer: ReturnType<typeof useWorklist>;
  readonly rows: readonly WorklistEntry[];
  readonly user: SessionUser;
  readonly filters: WorklistFilters;
  readonly change: (change: Partial<WorklistFilters>) => void;
}

/** The rows, or why there are none. */
function List({ answer, rows, user, filters, change }: ListProps) {
  if (answer.isPending) return <LoadingState />;
  if (!answer.data) return <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />;
  if (answer.data.count === 0) {
    const clear = () => change({ ...NO_FILTERS, ordering: filters.ordering });
    return <NoRows user={user} isNarrowed={isNarrowed(filters)} onClear={clear} />;
  }
  return (
    <StudyTable
      rows={rows}
      ordering={filters.ordering}
      onOrder={(ordering) => change({ ordering })}
      isStale={answer.isPlaceholderData}
    />
  );
}

/** What needs me now? */
export function WorklistPage() {
  const t = useTranslate();
  const { user } = useSignedIn();
  const { filters, change } = useFilters();
  const query = queryOf(filters);
  const answer = useWorklist(query);
  const isUploading = useStore(uploadStore, isUnderWay);
  const fresh = answer.isPlaceholderData ? undefined : answer.data;
  const { rows, hasChanged, showChanges } = useWorklistRows(fresh, JSON.stringify(query), isUploading);
  const search = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [hasKeySheet, setKeySheet] = useState(false);
  const keyLines = useKeyLines();
  const rowKeys = useRowFocus(list);
  useKeys({
    ...rowKeys,
    "/": () => search.current?.focus(),
    r: showChanges,
    "?": () => setKeySheet(true),
  });
  useEffect(() => {
    document.title = `${t("worklist.title")} - ${t("app.name")}`;
  }, [t]);
  return (
    <div className={styles.page}>
      <h1 className="visually-hidden">{t("worklist.title")}</h1>
      <Tools user={user} filters={filters} change={change} searchRef={search} />
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keyboard users scroll it */}
      <div ref={list} className={styles.scroller} tabIndex={0} role="group" aria-label={t("worklist.table")}>
        <List answer={answer} rows={rows} user={user} filters={filters} change={change} />
      </div>
      <Foot
        answer={answer.data}
        page={filters.page}
        onPage={(page) => change({ page })}
        hasChanged={hasChanged}
        onShowChanges={showChanges}
        onKeys={() => setKeySheet(true)}
        canDrop={canAddFiles(user)}
      />
      <KeySheet lines={keyLines} isOpen={hasKeySheet} onClose={() => setKeySheet(false)} />
    </div>
  );
}
