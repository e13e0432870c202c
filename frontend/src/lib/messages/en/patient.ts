/** The patient page. */
export const patient = {
  "patient.loading": "Loading the patient",
  "patient.born": "born {date}",
  "patient.teams": "Team",
  "patient.id": "ID",
  "patient.studies": "Studies",
  "patient.timeline": "Studies over time",
  "patient.timeline_hint": "Each mark is a study at its true date. Arrow keys move between them, Enter opens one.",
  "patient.mark": "{modalities} {date}, {description}",
  "patient.undated": {
    one: "{count} study has no date and is in the table only.",
    other: "{count} studies have no date and are in the table only.",
  },
  "patient.column_interval": "Since the one before",
  "patient.interval_days": { one: "{count} day", other: "{count} days" },
  "patient.interval_first": "first",
  "patient.open_latest": "Open the latest",
  "patient.no_studies_title": "No studies",
  "patient.no_studies": "This patient has no study in your teams.",
} as const;
