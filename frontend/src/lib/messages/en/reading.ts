/** The reading page. */
export const reading = {
  "reading.loading": "Opening the study",
} as const;
