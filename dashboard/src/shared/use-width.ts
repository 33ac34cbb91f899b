import { useEffect, useRef, useState } from "preact/hooks";

/** How wide an element is, as long as it is in the document; 0 before it is known. */
export function useWidth() {
  const holder = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { holder, width };
}
