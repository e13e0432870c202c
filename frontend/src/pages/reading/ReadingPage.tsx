import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";

import { isBackgroundFetch } from "../../api/query_client";
import { fetchStudy } from "../../api/reading";
import { useSession } from "../../api/session";
import { useTranslate } from "../../lib/messages";
import { readLesionKey, readPlace } from "../../state/lesions";
import type { SeriesBrief, Study } from "../../state/records";
import { Button } from "../../ui/Button";
import { warmUp } from "../../viewer/viewer";
import { EmptyState, ErrorState, LoadingState } from "../../ui/States";
import { Reading } from "./Reading";
import styles from "./ReadingPage.module.css";

/** The series asked for, else the one with most to see: a volume before a stack, more images before fewer. */
function chooseSeries(study: Study, asked: string | null): SeriesBrief | undefined {
  const found = study.series.find((series) => series.id === asked);
  if (found) return found;
  const rank = (series: SeriesBrief) => (series.is_volume ? 1_000_000 : 0) + series.frame_count;
  return [...study.series].sort((a, b) => rank(b) - rank(a))[0];
}

/** /studies/:id, with ?series= for one of its series. */
export default function ReadingPage() {
  const t = useTranslate();
  const navigate = useNavigate();
  const { id = "" } = useParams();
  const [search, setSearch] = useSearchParams();
  const person = useSession().data?.user;
  useEffect(warmUp, []);
  const queryKey = ["study", id] as const;
  const query = useQuery({ queryKey, queryFn: () => fetchStudy(id, { isBackground: isBackgroundFetch(queryKey) }) });
  const toWorklist = <Button onPress={() => void navigate("/")}>{t("state.back_to_worklist")}</Button>;
  if (query.isPending || !person) return <LoadingState label={t("reading.loading")} />;
  if (query.isError)
    return (
      <main className={styles.state}>
        <ErrorState isPage error={query.error} onRetry={() => void query.refetch()}>
          {toWorklist}
        </ErrorState>
      </main>
    );
  const study = query.data;
  const series = chooseSeries(study, search.get("series"));
  if (!series)
    return (
      <main className={styles.state}>
        <EmptyState title={t("reading.no_series_title")} sentence={t("reading.no_series")}>
          {toWorklist}
        </EmptyState>
      </main>
    );
  return (
    <Reading
      key={series.id}
      study={study}
      series={series}
      reader={{ userId: String(person.id), canEdit: person.role !== "viewer" }}
      start={{
        at: readPlace(search.get("at")),
        lesion: readLesionKey(search.get("lesion")),
        priorSeriesId: search.get("compare"),
      }}
      onSeries={(seriesId) => setSearch({ series: seriesId })}
      onCompare={(priorId) => setSearch({ series: series.id, ...(priorId && { compare: priorId }) }, { replace: true })}
      onLeave={() => void navigate("/")}
    />
  );
}
