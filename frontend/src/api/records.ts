import type { components, paths } from "../contract/api";

type Schemas = components["schemas"];

export type Session = Schemas["Session"];
export type SessionUser = Schemas["SessionUser"];
export type WorklistEntry = Schemas["WorklistEntry"];
export type WorklistPage = Schemas["WorklistPage"];
export type WorklistQuery = NonNullable<paths["/api/worklist"]["get"]["parameters"]["query"]>;
export type PatientBrief = Schemas["PatientBrief"];
export type Patient = Schemas["Patient"];
export type StudyBrief = Schemas["StudyBrief"];
export type Study = Schemas["Study"];
export type SegmentationState = WorklistEntry["segmentation_state"];
export type Upload = Schemas["Upload"];
export type UploadDetails = Schemas["UploadDetailsRequest"];
