import { Label, Slider as AriaSlider, SliderOutput, SliderThumb, SliderTrack } from "react-aria-components";

import styles from "./Slider.module.css";

export interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly step?: number;
  readonly isDisabled?: boolean;
  readonly formatOptions?: Intl.NumberFormatOptions;
  readonly onChange: (value: number) => void;
  readonly onChangeEnd?: (value: number) => void;
}

export function Slider({ label, minimum, maximum, onChange, onChangeEnd, ...props }: SliderProps) {
  return (
    <AriaSlider
      {...props}
      minValue={minimum}
      maxValue={maximum}
      onChange={onChange}
      {...(onChangeEnd ? { onChangeEnd } : {})}
      className={styles.slider ?? ""}
    >
      <Label className={styles.label ?? ""}>{label}</Label>
      <SliderOutput />
      <SliderTrack className={styles.track ?? ""}>
        {({ state }) => (
          <>
            <div className={styles.fill} style={{ width: `${String(state.getThumbPercent(0) * 100)}%` }} />
            <SliderThumb className={styles.thumb ?? ""} />
          </>
        )}
      </SliderTrack>
    </AriaSlider>
  );
}
