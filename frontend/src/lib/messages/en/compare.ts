/** Lesions on the reading page, priors beside them, and the filmstrip. */
export const compare = {
  "lesions.of": "Lesions of {segment}",
  "lesions.jump": "Lesion {number}: {diameters}. Show it.",
  "lesions.volume": "{volume} mL (95 %: {low} to {high})",
  "lesions.volume_open": "{volume} mL (95 %: at least {low})",
  "lesions.measuring": "Measuring",
  "lesions.after_saving": "Measured after saving",
  "lesions.after_run": "Measured once the run has ended",
  "lesions.more": { one: "and {count} smaller one", other: "and {count} smaller ones" },
  "filmstrip.label": "The same place on each date",
  "filmstrip.open": "Open {date} at this place",
  "filmstrip.unmarked": "not marked",
  "filmstrip.no_picture": "No picture: the series is no plain volume",
  "filmstrip.undated": "No date",
} as const;
