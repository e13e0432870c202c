import { useEffect } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { Link, useSearchParams } from "react-router";

import { type PlainMessageKey, useTranslate } from "../../lib/messages";
import { ApiProblem } from "../../lib/problem";
import { ErrorState } from "../../ui/States";
import { useSignedIn } from "../shell/use_signed_in";
import { Catalogue } from "./Catalogue";
import { LimitsSection } from "./LimitsSection";
import styles from "./Models.module.css";
import { QueueSection } from "./QueueSection";
import { RulesSection } from "./RulesSection";

interface Section {
  readonly id: string;
  readonly label: PlainMessageKey;
  readonly Content: () => React.ReactNode;
}

const SECTIONS: readonly Section[] = [
  { id: "models", label: "models.tab_models", Content: Catalogue },
  { id: "routing", label: "routing.tab", Content: RulesSection },
  { id: "limits", label: "limits.tab", Content: LimitsSection },
  { id: "queue", label: "queue.tab", Content: QueueSection },
];

function Sections() {
  const t = useTranslate();
  const [search, setSearch] = useSearchParams();
  const asked = search.get("section");
  const section = SECTIONS.find(({ id }) => id === asked) ?? SECTIONS[0];
  return (
    <Tabs
      selectedKey={section?.id ?? "models"}
      onSelectionChange={(key) => setSearch(key === "models" ? {} : { section: String(key) })}
      className={styles.tabs ?? ""}
    >
      <TabList aria-label={t("models.sections")} className={styles.tabList ?? ""}>
        {SECTIONS.map(({ id, label }) => (
          <Tab key={id} id={id} className={styles.tab ?? ""}>
            {t(label)}
          </Tab>
        ))}
      </TabList>
      {SECTIONS.map(({ id, Content }) => (
        <TabPanel key={id} id={id} className={styles.section ?? ""}>
          <Content />
        </TabPanel>
      ))}
    </Tabs>
  );
}

/** What can run here, how well, and who decides about it? For administrators. */
export default function ModelsPage() {
  const t = useTranslate();
  const { user } = useSignedIn();
  useEffect(() => {
    document.title = `${t("models.title")} - ${t("app.name")}`;
  }, [t]);
  if (user.role !== "administrator") {
    return (
      <ErrorState isPage error={new ApiProblem(403, "role.forbidden", t("models.forbidden"))}>
        <Link to="/">{t("state.back_to_worklist")}</Link>
      </ErrorState>
    );
  }
  return (
    <div className={styles.page}>
      <h1 className="visually-hidden">{t("models.title")}</h1>
      <Sections />
    </div>
  );
}
