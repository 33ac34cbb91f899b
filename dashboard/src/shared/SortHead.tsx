/** A column header: a click sorts by the column, another click reverses the order. */
export function SortHead({
  name,
  label,
  sort,
  onSort,
}: {
  name: string;
  label: string;
  sort: string;
  onSort(sort: string): void;
}) {
  const isAscending = sort === name;
  const isDescending = sort === `-${name}`;
  return (
    <th scope="col" class={`col-${name}`} aria-sort={isAscending ? "ascending" : isDescending ? "descending" : "none"}>
      <button type="button" onClick={() => onSort(isDescending ? name : `-${name}`)}>
        {label}
        <span aria-hidden="true">{isAscending ? " ▲" : isDescending ? " ▼" : ""}</span>
      </button>
    </th>
  );
}
