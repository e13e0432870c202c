import { QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { I18nProvider } from "react-aria-components";
import { RouterProvider } from "react-router";

import { queryClient } from "../api/query_client";
import { useLocale } from "../lib/messages";
import { followTheme } from "../lib/theme";
import { router } from "./routes";

followTheme();

export function App() {
  const locale = useLocale();
  useEffect(() => {
    document.documentElement.lang = locale;
  }, [locale]);
  return (
    <I18nProvider locale={locale === "en" ? "en-GB" : locale}>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </I18nProvider>
  );
}
