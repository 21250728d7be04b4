/** Counts what vitest's JSON report says. A file or a run that broke outside a test counts as one failed test: it is never lost. */

/** @typedef {{ passed: number, failed: number, skipped: number, skippedGroups: string[] }} Counts */

/**
 * @param {object | undefined} report vitest's JSON; undefined where there is none
 * @param {number | null} exitCode of the run
 * @returns {Counts}
 */
export function countTests(report, exitCode) {
  const counts = { passed: 0, failed: 0, skipped: 0, skippedGroups: [] }
  for (const { status, assertionResults } of report?.testResults ?? []) {
    const before = counts.failed
    for (const test of assertionResults) {
      if (test.status === 'passed') counts.passed++
      else if (test.status === 'failed') counts.failed++
      else {
        counts.skipped++
        const group = test.ancestorTitles[0] ?? test.title
        if (!counts.skippedGroups.includes(group)) counts.skippedGroups.push(group)
      }
    }
    if (status === 'failed' && counts.failed === before) counts.failed++
  }
  if (exitCode !== 0 && counts.failed === 0) counts.failed++
  return counts
}

/** @param {readonly Counts[]} all */
export function closingLine(all) {
  const sum = (key) => all.reduce((total, counts) => total + counts[key], 0)
  const skipped = sum('skipped')
  return `${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
