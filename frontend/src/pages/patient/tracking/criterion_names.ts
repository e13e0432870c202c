/** A criterion's name as people write it. */
export const nameOfCriterion = (criterion: string): string =>
  ({
    RECIST_1_1: "RECIST 1.1",
    IRECIST: "iRECIST",
    MRECIST_HCC: "mRECIST (HCC)",
    RANO_2_0: "RANO 2.0",
    MRANO: "mRANO",
    RANO_HGG: "RANO-HGG",
    RANO_LGG: "RANO-LGG",
    RANO_BM: "RANO-BM",
    RANO_MIXED: "RANO 2.0, mixed",
    LUGANO_CT: "Lugano (CT)",
    LUGANO_PET: "Lugano (PET)",
    VOLUMETRIC: "Volumetric",
  })[criterion] ?? criterion;
