const WIDTH = 72;
const HEIGHT = 18;

/** A row of tiny bars. */
export function Sparkline({ bars, label }: { bars: readonly number[]; label: string }) {
  const most = Math.max(1, ...bars);
  const step = WIDTH / Math.max(1, bars.length);
  return (
    <svg class="sparkline" width={WIDTH} height={HEIGHT} role="img" aria-label={`${label}: at most ${most} in 20 s`}>
      {bars.map((value, index) => {
        const height = value === 0 ? 1 : Math.max(2, (value / most) * HEIGHT);
        const x = index * step;
        return <rect key={`${index}`} x={x} y={HEIGHT - height} width={Math.max(1, step - 1)} height={height} />;
      })}
    </svg>
  );
}
