/** How many dials begin per minute. Exact for any number of dials, because it comes from the counts in status messages. */

const KEPT_S = 600;
const WINDOW_S = 60;
/** A shorter time gives no useful rate. */
const LEAST_S = 5;
const BAR_S = 20;

export interface DialRateView {
  /** null: not known yet. */
  perMinute: number | null;
  /** How many seconds the rate covers. */
  over_s: number;
  /** Dials begun in each interval of 20 s, oldest first. */
  bars: number[];
}

export class DialRate {
  private samples: { at: number; started: number }[] = [];
  private run = 0;

  add(atUnix: number, started: number, startedUnix: number): void {
    if (startedUnix !== this.run) this.samples = [];
    this.run = startedUnix;
    this.samples.push({ at: atUnix, started });
    const first = this.samples.findIndex((sample) => sample.at >= atUnix - KEPT_S);
    if (first > 0) this.samples.splice(0, first);
  }

  view(): DialRateView {
    const last = this.samples.at(-1);
    if (!last) return { perMinute: null, over_s: 0, bars: [] };
    const first = this.samples.find((sample) => sample.at >= last.at - WINDOW_S) ?? last;
    const over_s = last.at - first.at;
    const perMinute = over_s < LEAST_S ? null : ((last.started - first.started) / over_s) * 60;
    return { perMinute, over_s, bars: this.bars(last.at) };
  }

  private bars(lastAt: number): number[] {
    const bars = new Array<number>(KEPT_S / BAR_S).fill(0);
    for (let i = 1; i < this.samples.length; i++) {
      const [before, sample] = [this.samples[i - 1], this.samples[i]];
      if (!before || !sample) continue;
      const index = bars.length - 1 - Math.floor((lastAt - sample.at) / BAR_S);
      if (index >= 0) bars[index] = (bars[index] ?? 0) + sample.started - before.started;
    }
    return bars;
  }
}
