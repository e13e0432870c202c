import { ChevronDown, KeyRound, LogOut } from "lucide-react";
import { useNavigate } from "react-router";

import { signOutAct } from "../../actions/sign_out";
import type { Session } from "../../api/records";
import { type Locale, localeChoice, LOCALES, useLocale, useTranslate } from "../../lib/messages";
import { useStoredChoice } from "../../lib/stored_choice";
import { type Theme, themeChoice, THEMES } from "../../lib/theme";
import { Button } from "../../ui/Button";
import { Menu, MenuChoice, MenuItem, MenuSeparator } from "../../ui/Menu";
import { notify } from "../../ui/notice_queue";
import { sentenceOf } from "../../ui/States";

/** The person's name: language, colours, password, sign-out. */
export function PersonMenu({ session }: { readonly session: Session }) {
  const t = useTranslate();
  const locale = useLocale();
  const theme = useStoredChoice(themeChoice);
  const navigate = useNavigate();
  const { user } = session;
  if (!user) return null;
  const name = user.full_name || user.username;
  const signOut = async () => {
    try {
      await signOutAct.run(session);
    } catch (error) {
      notify(sentenceOf(error, t), "danger");
    }
  };
  return (
    <Menu
      trigger={
        <Button variant="quiet" aria-label={t("nav.person_menu", { name })}>
          {name}
          <ChevronDown size={14} aria-hidden />
        </Button>
      }
    >
      <MenuChoice<Theme>
        title={t("nav.theme")}
        choices={THEMES.map((value) => ({ value, label: t(`nav.theme_${value}`) }))}
        value={theme}
        onChange={themeChoice.set}
      />
      <MenuChoice<Locale>
        title={t("nav.language")}
        choices={LOCALES.map((value) => ({ value, label: t(`nav.language_${value}`) }))}
        value={locale}
        onChange={localeChoice.set}
      />
      <MenuSeparator />
      <MenuItem label={t("nav.change_password")} icon={KeyRound} onAction={() => void navigate("/password")} />
      <MenuItem label={t("nav.sign_out")} icon={LogOut} onAction={() => void signOut()} />
    </Menu>
  );
}
