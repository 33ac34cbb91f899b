/** Stacked bars over time on a canvas, with marks for the selected window and for starts of the program. */

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { TimedCounts } from "../api/shapes.ts";
import { canvasColour, colourName } from "../shared/colours.ts";
import { clockTime } from "../text/format.ts";
import { bucketStarts, bucketWindow, type Layer, REST } from "./stacking.ts";

const HEIGHT = 208;
/** Steps of the time axis, in seconds. A minute at least, because its labels show minutes or days. */
const TIME_STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 172_800, 432_000];
/** A shorter drag counts as a click on one bucket. */
const DRAG_PX = 4;

export interface StackedBarsProps {
  series: TimedCounts;
  layers: Layer[];
  /** The selected layer; the others are dimmed. "": none is selected, and all are bright. */
  chosen: string;
  window: { since: number | null; until: number | null };
  /** Names the present colours. When this text changes, the bars are redrawn. */
  colours: string;
  onWindow(window: { since: number; until: number }): void;
  onHover(bucket: number | null): void;
}

type Latest = () => StackedBarsProps;

/** The plot is rebuilt when its layers or their colours change. New counts go into the existing plot. */
export function StackedBars(props: StackedBarsProps) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const held = useRef(props);
  held.current = props;
  // The plot outlives a change of props, so its callbacks must read the latest ones.
  const latest = () => held.current;
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const made = new uPlot(options(element.clientWidth, latest), data(latest()), element);
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
    };
  }, [props.colours, props.chosen]);
  useEffect(() => {
    // Set in place and not rebuilt, so that new counts do not end a drag.
    plot.current?.setData(data(latest()));
  }, [props.series, props.layers, props.window.since, props.window.until]);
  return <div class="plot" ref={holder} />;
}

/** The top layer first, so that each lower one is drawn over it. */
function data({ series, layers }: StackedBarsProps): uPlot.AlignedData {
  return [bucketStarts(series), ...layers.toReversed().map((layer) => layer.tops)];
}

function options(width: number, latest: Latest): uPlot.Options {
  const { layers, chosen } = latest();
  const axis = { stroke: canvasColour("--muted"), font: `12px ${canvasColour("--sans")}` };
  const grid = { stroke: canvasColour("--line"), width: 1 };
  // By default uPlot centres a bar on its x; here the bucket begins there.
  const bars = uPlot.paths.bars?.({ size: [0.84, 60], align: 1, gap: 1 });
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 24, 0, 0],
    scales: {
      x: { time: true, range: () => [latest().series.since_unix, latest().series.until_unix] },
      y: { range: (_plot, _least, most) => [0, Math.max(4, most * 1.15)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        ticks: grid,
        size: 30,
        space: 64,
        incrs: TIME_STEPS,
        values: (_plot, splits) => splits.map((unix) => axisTime(unix, latest().series)),
      },
      {
        ...axis,
        grid,
        ticks: { show: false },
        size: 46,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6],
      },
    ],
    series: [
      {},
      ...layers.toReversed().map(({ name }) => ({
        fill: barColour(name, chosen),
        width: 0,
        points: { show: false },
        ...(bars && { paths: bars }),
      })),
    ],
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    hooks: {
      setSelect: [(plot) => takeSelection(plot, latest())],
      setCursor: [(plot) => latest().onHover(bucketUnder(plot, latest().series))],
      ready: [(plot) => plot.over.addEventListener("click", () => takeClick(plot, latest()))],
      draw: [(plot) => drawMarks(plot, latest())],
    },
  };
}

/** A label of the time axis: the day if the range is longer than two days, otherwise hours and minutes. */
function axisTime(unix: number, series: TimedCounts): string {
  const text = clockTime(unix, 0);
  const isLong = series.until_unix - series.since_unix > 172_800;
  return isLong ? text.slice(5, 10) : text.slice(11, 16);
}

function barColour(name: string, chosen: string): string {
  const colour = canvasColour(name === REST ? "--series-rest" : colourName(name));
  return chosen && chosen !== name ? `${colour}40` : colour;
}

/** The bucket under the pointer; null: none. */
function bucketUnder(plot: uPlot, series: TimedCounts): number | null {
  const { left } = plot.cursor;
  if (left === undefined || left === null || left < 0) return null;
  const at = plot.posToVal(left, "x");
  return Math.floor((at - series.since_unix) / series.bucket_s);
}

function takeSelection(plot: uPlot, { series, onWindow }: StackedBarsProps): void {
  const { left, width } = plot.select;
  if (width < DRAG_PX) return;
  onWindow(bucketWindow(series, plot.posToVal(left, "x"), plot.posToVal(left + width, "x")));
  // From now on the window is drawn with the bars.
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

function takeClick(plot: uPlot, { series, onWindow }: StackedBarsProps): void {
  const at = plot.posToVal(plot.cursor.left ?? 0, "x");
  onWindow(bucketWindow(series, at, at + 0.001));
}

/** Draws the selected window, and a mark at each start of the program, where its counts start again at zero. */
function drawMarks(plot: uPlot, { series, window }: StackedBarsProps): void {
  const { ctx, bbox } = plot;
  const pixel = (unix: number) => plot.valToPos(unix, "x", true);
  ctx.save();
  if (window.since !== null || window.until !== null) {
    const from = Math.max(bbox.left, pixel(window.since ?? series.since_unix));
    const to = Math.min(bbox.left + bbox.width, pixel(window.until ?? series.until_unix));
    ctx.fillStyle = `${canvasColour("--accent")}2e`;
    if (to > from) ctx.fillRect(from, bbox.top, to - from, bbox.height);
  }
  ctx.strokeStyle = canvasColour("--text");
  ctx.fillStyle = canvasColour("--text");
  ctx.font = `${11 * devicePixelRatio}px ${canvasColour("--sans")}`;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const start of series.starts_unix) {
    // At the left edge of its bucket; otherwise the bucket's bar would be left of the mark.
    const x = pixel(Math.floor(start / series.bucket_s) * series.bucket_s);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const isNearTheEnd = x > bbox.left + bbox.width - 50 * devicePixelRatio;
    ctx.textAlign = isNearTheEnd ? "right" : "left";
    ctx.fillText("start", x + (isNearTheEnd ? -4 : 4) * devicePixelRatio, bbox.top + 11 * devicePixelRatio);
  }
  ctx.restore();
}
