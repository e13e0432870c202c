import { X } from "lucide-react";
import { type FormEvent, useState } from "react";

import { useCatalogue } from "../../api/models";
import { type Rule, useRuleChange, useRuleDeletion } from "../../api/routing";
import { useTranslate } from "../../lib/messages";
import { canSave, EMPTY_RULE, type RuleWish, wishOfRule } from "../../state/routing_rule";
import { Button, IconButton } from "../../ui/Button";
import { sentenceOf } from "../../ui/States";
import cardStyles from "./Card.module.css";
import styles from "./Models.module.css";
import { RuleConditions } from "./RuleConditions";
import { RuleModel } from "./RuleModel";
import { RulePreview } from "./RulePreview";

interface RuleActsProps {
  readonly rule: Rule | undefined;
  readonly isReady: boolean;
  readonly onDelete: () => void;
}

function RuleActs({ rule, isReady, onDelete }: RuleActsProps) {
  const t = useTranslate();
  const [isAsking, setAsking] = useState(false);
  if (isAsking)
    return (
      <div className={styles.wide}>
        <p>{t("routing.delete_sure")}</p>
        <div className={styles.acts}>
          <Button variant="danger" onPress={onDelete}>
            {t("routing.delete")}
          </Button>
          {/* eslint-disable-next-line jsx-a11y/no-autofocus -- the question stands where the button was pressed */}
          <Button autoFocus onPress={() => setAsking(false)}>
            {t("routing.keep")}
          </Button>
        </div>
      </div>
    );
  return (
    <div className={styles.acts}>
      <Button type="submit" variant="primary" isDisabled={!isReady}>
        {t("routing.save")}
      </Button>
      {rule ? <Button onPress={() => setAsking(true)}>{t("routing.delete")}</Button> : null}
    </div>
  );
}

interface RuleFormProps {
  /** Undefined lays down a new one. */
  readonly rule: Rule | undefined;
  readonly onClose: () => void;
}

/** One rule, and beside it what it would have run on. */
export function RuleForm({ rule, onClose }: RuleFormProps) {
  const t = useTranslate();
  const models = useCatalogue().data ?? [];
  const [wish, setWish] = useState<RuleWish>(() => (rule ? wishOfRule(rule) : EMPTY_RULE));
  const [refusal, setRefusal] = useState("");
  const refuse = (error: unknown) => setRefusal(sentenceOf(error, t));
  const save = useRuleChange(refuse);
  const deletion = useRuleDeletion(refuse);
  const change = (fields: Partial<RuleWish>) => {
    setRefusal("");
    setWish((current) => ({ ...current, ...fields }));
  };
  const isReady = canSave(wish) && !save.isPending;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) save.mutate({ id: rule?.id, wish: { ...wish, title: wish.title.trim() } }, { onSuccess: onClose });
  };
  const title = t(rule ? "routing.form_change" : "routing.form_new");
  return (
    <aside className={cardStyles.card} aria-label={title}>
      <div className={cardStyles.cardHead}>
        <h2>{title}</h2>
        <IconButton icon={X} label={t("routing.close_form")} shortcut="Esc" onPress={onClose} />
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keyboard users scroll it */}
      <div className={cardStyles.cardBody} tabIndex={0} role="group" aria-label={title}>
        <form className={styles.form} onSubmit={submit}>
          <RuleConditions wish={wish} change={change} />
          <RuleModel wish={wish} models={models} change={change} />
          {refusal ? (
            <p className={`${styles.wide ?? ""} ${styles.refused ?? ""}`} role="alert">
              {refusal}
            </p>
          ) : null}
          <RuleActs
            rule={rule}
            isReady={isReady}
            onDelete={() => {
              if (rule) deletion.mutate(rule.id, { onSuccess: onClose });
            }}
          />
        </form>
        <RulePreview wish={wish} />
      </div>
    </aside>
  );
}
