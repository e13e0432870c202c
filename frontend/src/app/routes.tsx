import { lazy, Suspense } from "react";
import { createBrowserRouter } from "react-router";

import { AppFrame } from "../pages/shell/AppFrame";
import { ErrorPage, NotFoundPage } from "../pages/shell/ErrorPage";
import { RequireSession } from "../pages/shell/RequireSession";
import { PasswordPage } from "../pages/sign_in/PasswordPage";
import { SignInPage } from "../pages/sign_in/SignInPage";
import { PatientPage } from "../pages/patient/PatientPage";
import { WorklistPage } from "../pages/worklist/WorklistPage";
import { LoadingState } from "../ui/States";

// The viewer is most of SegWeb's weight: it is fetched when a study is opened.
const ReadingPage = lazy(() => import("../pages/reading/ReadingPage"));
// Few people ever open these.
const ModelsPage = lazy(() => import("../pages/models/ModelsPage"));
const EvaluationsPage = lazy(() => import("../pages/evaluations/EvaluationsPage"));

export const router = createBrowserRouter([
  {
    errorElement: <ErrorPage />,
    children: [
      { path: "/sign-in", element: <SignInPage /> },
      {
        element: <RequireSession />,
        children: [
          { path: "/password", element: <PasswordPage /> },
          {
            path: "/studies/:id",
            element: (
              <Suspense fallback={<LoadingState />}>
                <ReadingPage />
              </Suspense>
            ),
          },
          {
            element: <AppFrame />,
            children: [
              { path: "/", element: <WorklistPage /> },
              { path: "/patients/:id", element: <PatientPage /> },
              {
                path: "/models",
                element: (
                  <Suspense fallback={<LoadingState />}>
                    <ModelsPage />
                  </Suspense>
                ),
              },
              {
                path: "/evaluations",
                element: (
                  <Suspense fallback={<LoadingState />}>
                    <EvaluationsPage />
                  </Suspense>
                ),
              },
              { path: "*", element: <NotFoundPage /> },
            ],
          },
        ],
      },
    ],
  },
]);
