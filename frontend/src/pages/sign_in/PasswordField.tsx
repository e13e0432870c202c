import { Eye, EyeOff } from "lucide-react";
import { useState } from "react";

import { useTranslate } from "../../lib/messages";
import { IconButton } from "../../ui/Button";
import { TextField } from "../../ui/TextField";

interface PasswordFieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly autoComplete: "current-password" | "new-password";
}

export function PasswordField(props: PasswordFieldProps) {
  const t = useTranslate();
  const [isShown, setShown] = useState(false);
  return (
    <TextField
      {...props}
      size="large"
      type={isShown ? "text" : "password"}
      trailing={
        <IconButton
          icon={isShown ? EyeOff : Eye}
          label={t(isShown ? "sign_in.hide_password" : "sign_in.show_password")}
          onPress={() => setShown(!isShown)}
        />
      }
    />
  );
}
