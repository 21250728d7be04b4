/** Numbers as Go prints them, which is what messages and conversions to string show. */

/** `%g`, with as few digits as tell the number from others: `1e+06`, `0.25`, `+Inf`. */
export function formatG(value: number): string {
  const special = formatSpecial(value)
  if (special !== undefined) return special
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string]
  const exponent = Number(exponentText)
  if (value !== 0 && (exponent < -4 || exponent >= 6))
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  return formatF(value)
}

/** `%f` with as few digits as tell the number from others; never an exponent. */
export function formatF(value: number): string {
  const special = formatSpecial(value)
  if (special !== undefined) return special
  const text = Object.is(value, -0) ? '-0' : String(value)
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text)
  if (!match) return text
  const [, sign, whole, fraction = '', exponentText] = match as unknown as [string, string, string, string?, string?]
  const exponent = Number(exponentText)
  const digits = whole + fraction
  const point = whole.length + exponent
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return `${sign}${digits}${'0'.repeat(point - digits.length)}`
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

function formatSpecial(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : undefined
}
