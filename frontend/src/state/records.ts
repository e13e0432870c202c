import type { components } from "../contract/api";

type Schemas = components["schemas"];

export type SeriesFrames = Schemas["SeriesFrames"];
export type Frame = Schemas["Frame"];
export type WindowPreset = Schemas["WindowPreset"];
export type Segmentation = Schemas["Segmentation"];
export type Revision = Schemas["Revision"];
export type Segment = Schemas["Segment"];
export type Model = Schemas["Model"];
export type ModelParameter = Schemas["ModelParameter"];
export type ModelInputs = Schemas["ModelInputs"];
export type Job = Schemas["Job"];
export type JobMap = Schemas["JobMap"];
export type Explanation = Schemas["Explanation"];
export type ExplanationMethod = Schemas["ExplanationMethodName"];
export type Study = Schemas["Study"];
export type SeriesBrief = Schemas["SeriesBrief"];
export type StudyBrief = Schemas["StudyBrief"];
export type Registration = Schemas["Registration"];
export type RevisionMeasurements = Schemas["RevisionMeasurements"];
export type LesionMeasurement = Schemas["LesionMeasurement"];
