import { Plus, Route } from "lucide-react";
import { useState } from "react";

import { type Rule, useRuleChange, useRules } from "../../api/routing";
import { useCatalogue } from "../../api/models";
import { useTranslate } from "../../lib/messages";
import { useKeys } from "../../lib/use_keys";
import { conditionsOf, wishOfRule } from "../../state/routing_rule";
import { Button } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { notify } from "../../ui/notice_queue";
import { EmptyState, ErrorState, LoadingState, sentenceOf } from "../../ui/States";
import { Switch } from "../../ui/Switch";
import { Toolbar, ToolbarEnd } from "../../ui/Toolbar";
import styles from "./Models.module.css";
import { RuleForm } from "./RuleForm";

interface RowProps {
  readonly rule: Rule;
  readonly isOpen: boolean;
  readonly isBusy: boolean;
  readonly modelTitle: string;
  readonly onOpen: () => void;
  readonly onSwitch: (isEnabled: boolean) => void;
}

function Row({ rule, isOpen, isBusy, modelTitle, onOpen, onSwitch }: RowProps) {
  const t = useTranslate();
  const words = { with: t("routing.with_contrast"), without: t("routing.without_contrast") };
  const contrast = t("routing.field_contrast");
  const conditions = conditionsOf(wishOfRule(rule), {
    with: `${contrast} ${words.with}`,
    without: `${contrast} ${words.without}`,
  });
  return (
    <tr className={classes(styles.row, isOpen && styles.lit, !rule.is_enabled && styles.off)}>
      <td>
        <span className={styles.above}>
          <Switch
            label={t("routing.switch", { title: rule.title })}
            isLabelHidden
            isSelected={rule.is_enabled}
            isDisabled={isBusy}
            onChange={onSwitch}
          />
        </span>
      </td>
      <td title={rule.title}>
        <button
          type="button"
          className={styles.open}
          aria-label={t("routing.open_rule", { title: rule.title })}
          aria-expanded={isOpen}
          onClick={onOpen}
        >
          {rule.title}
        </button>
      </td>
      <td title={conditions}>{conditions}</td>
      <td title={modelTitle}>{modelTitle}</td>
      <td>{rule.team_name ?? t("routing.every_team")}</td>
    </tr>
  );
}

interface TableProps {
  readonly rules: readonly Rule[];
  readonly openId: string | undefined;
  readonly onOpen: (id: string | undefined) => void;
}

function RuleTable({ rules, openId, onOpen }: TableProps) {
  const t = useTranslate();
  const models = useCatalogue().data ?? [];
  const change = useRuleChange((error) => notify(sentenceOf(error, t), "danger"));
  const titleOf = (name: string) => models.find((model) => model.name === name)?.title ?? name;
  return (
    <table className={styles.table} aria-label={t("routing.table")}>
      <thead>
        <tr>
          <th style={{ width: 56 }}>{t("routing.column_on")}</th>
          <th>{t("routing.column_rule")}</th>
          <th>{t("routing.column_images")}</th>
          <th>{t("routing.column_model")}</th>
          <th style={{ width: 140 }}>{t("routing.column_team")}</th>
        </tr>
      </thead>
      <tbody>
        {rules.map((rule) => (
          <Row
            key={rule.id}
            rule={rule}
            isOpen={rule.id === openId}
            isBusy={change.isPending}
            modelTitle={titleOf(rule.model_name)}
            onOpen={() => onOpen(rule.id === openId ? undefined : rule.id)}
            onSwitch={(isEnabled) =>
              change.mutate({ id: rule.id, wish: { ...wishOfRule(rule), is_enabled: isEnabled } })
            }
          />
        ))}
      </tbody>
    </table>
  );
}

const NEW = "new";

/** What runs by itself on which images. */
export function RulesSection() {
  const t = useTranslate();
  const answer = useRules();
  const [openId, setOpenId] = useState<string>();
  const close = () => setOpenId(undefined);
  useKeys({ Escape: close });
  if (answer.isPending) return <LoadingState />;
  if (!answer.data) return <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />;
  const open = answer.data.find(({ id }) => id === openId);
  return (
    <div className={styles.beside}>
      <div className={styles.main}>
        <Toolbar>
          <p className={styles.explained}>{t("routing.explained")}</p>
          <ToolbarEnd>
            <Button variant="primary" icon={Plus} onPress={() => setOpenId(NEW)}>
              {t("routing.new")}
            </Button>
          </ToolbarEnd>
        </Toolbar>
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keyboard users scroll it */}
        <div className={styles.scroller} tabIndex={0} role="group" aria-label={t("routing.table")}>
          {answer.data.length === 0 ? (
            <EmptyState icon={Route} title={t("routing.none_title")} sentence={t("routing.none")} />
          ) : (
            <RuleTable rules={answer.data} openId={openId} onOpen={setOpenId} />
          )}
        </div>
      </div>
      {openId === NEW || open ? <RuleForm key={openId} rule={open} onClose={close} /> : null}
    </div>
  );
}
