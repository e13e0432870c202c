import { X } from "lucide-react";
import { type Ref, useEffect, useState } from "react";

import { canAddFiles } from "../../actions/add_files";
import type { SessionUser } from "../../api/records";
import { useTranslate } from "../../lib/messages";
import { isNarrowed, NO_FILTERS, SEGMENTATION_STATES, type WorklistFilters } from "../../state/worklist_filters";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { SearchField } from "../../ui/TextField";
import { Toolbar, ToolbarEnd, ToolbarSearch } from "../../ui/Toolbar";
import { ChooseFiles } from "../uploads/ChooseFiles";
import styles from "./Worklist.module.css";

const TYPING_MS = 250;
const MODALITIES = ["CT", "MR", "PT", "CR", "DX", "US", "MG", "NM", "XA", "OP", "XC", "OT"] as const;

interface ToolsProps {
  readonly user: SessionUser;
  readonly filters: WorklistFilters;
  readonly change: (change: Partial<WorklistFilters>) => void;
  readonly searchRef: Ref<HTMLInputElement>;
}

function Search({ filters, change, searchRef }: Omit<ToolsProps, "user">) {
  const t = useTranslate();
  const [typed, setTyped] = useState(filters.search);
  const [asked, setAsked] = useState(filters.search);
  if (asked !== filters.search) {
    // The address changed by other means (Clear all, the back button): show what it says.
    setAsked(filters.search);
    setTyped(filters.search);
  }
  useEffect(() => {
    if (typed === asked) return;
    const timer = setTimeout(() => {
      setAsked(typed);
      change({ search: typed });
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, asked, change]);
  return (
    <ToolbarSearch>
      <SearchField
        label={t("worklist.search")}
        clearLabel={t("worklist.clear_search")}
        placeholder={t("worklist.search_placeholder")}
        shortcut="/"
        value={typed}
        onChange={setTyped}
        inputRef={searchRef}
      />
    </ToolbarSearch>
  );
}

function DateRange({ filters, change }: Pick<ToolsProps, "filters" | "change">) {
  const t = useTranslate();
  const field = (name: "dateFrom" | "dateTo", label: string) => (
    <label>
      {label}{" "}
      <input
        type="date"
        className={styles.date}
        value={filters[name]}
        onChange={(event) => change({ [name]: event.target.value })}
      />
    </label>
  );
  return (
    <div className={styles.dates} role="group" aria-label={t("worklist.column_date")}>
      {field("dateFrom", t("worklist.date_from"))}
      {field("dateTo", t("worklist.date_to"))}
    </div>
  );
}

function Choices({ user, filters, change }: Omit<ToolsProps, "searchRef">) {
  const t = useTranslate();
  const modalities = MODALITIES.map((value) => ({ value, label: value }));
  const states = SEGMENTATION_STATES.map((value) => ({ value, label: t(`segmentation_state.${value}`) }));
  const teams = user.teams.map((team) => ({ value: team.id, label: team.name }));
  return (
    <>
      <Select<string>
        label={t("worklist.modality")}
        labelPlace="hidden"
        choices={[{ value: "", label: t("worklist.any_modality") }, ...modalities]}
        value={filters.modality}
        isLit={filters.modality !== ""}
        onChange={(modality) => change({ modality })}
      />
      <Select<string>
        label={t("worklist.state")}
        labelPlace="hidden"
        choices={[{ value: "", label: t("worklist.any_state") }, ...states]}
        value={filters.state}
        isLit={filters.state !== ""}
        onChange={(state) => change({ state })}
      />
      {teams.length > 1 ? (
        <Select<string>
          label={t("worklist.team")}
          labelPlace="hidden"
          choices={[{ value: "", label: t("worklist.any_team") }, ...teams]}
          value={filters.team}
          isLit={filters.team !== ""}
          onChange={(team) => change({ team })}
        />
      ) : null}
    </>
  );
}

/** Search, filters, and the button beside drag and drop. */
export function Tools({ user, filters, change, searchRef }: ToolsProps) {
  const t = useTranslate();
  const { ordering } = filters;
  return (
    <Toolbar searchLabel={t("worklist.filters")}>
      <Search filters={filters} change={change} searchRef={searchRef} />
      <Choices user={user} filters={filters} change={change} />
      <DateRange filters={filters} change={change} />
      {isNarrowed(filters) ? (
        <Button variant="quiet" icon={X} onPress={() => change({ ...NO_FILTERS, ordering })}>
          {t("worklist.clear_filters")}
        </Button>
      ) : null}
      {canAddFiles(user) ? (
        <ToolbarEnd>
          <ChooseFiles />
        </ToolbarEnd>
      ) : null}
    </Toolbar>
  );
}
