import { describe, expect, it } from 'vitest'
import { Quantity, QuantityError } from './quantity.ts'

const print = (text: string) => Quantity.parse(text).toString()

describe('Quantity.parse', () => {
  it.each([
    ['0', '0', 'DecimalSI'],
    ['0Ki', '0', 'BinarySI'],
    ['1', '1', 'DecimalSI'],
    ['+7', '+7', 'DecimalSI'],
    ['-5', '-5', 'DecimalSI'],
    ['100m', '100m', 'DecimalSI'],
    ['1000m', '1', 'DecimalSI'],
    ['0.5', '500m', 'DecimalSI'],
    ['.5', '500m', 'DecimalSI'],
    ['1.5', '1500m', 'DecimalSI'],
    ['1.', '1.', 'DecimalSI'],
    ['1.G', '1.G', 'DecimalSI'],
    ['.', '0', 'DecimalSI'],
    ['1000', '1k', 'DecimalSI'],
    ['129e6', '129e6', 'DecimalExponent'],
    ['129000e3', '129e6', 'DecimalExponent'],
    ['1E-3', '1E-3', 'DecimalExponent'],
    ['1.2e3', '1200', 'DecimalExponent'],
    ['1.3E+6', '1300e3', 'DecimalExponent'],
    ['1E', '1E', 'DecimalSI'],
    ['12E', '12E', 'DecimalSI'],
    ['1000E', '1000E', 'DecimalSI'],
    ['1.5Gi', '1536Mi', 'BinarySI'],
    ['1024Mi', '1Gi', 'BinarySI'],
    ['1Ki', '1Ki', 'BinarySI'],
    ['1000Ki', '1000Ki', 'BinarySI'],
    ['0.5Ki', '512', 'BinarySI'],
    ['1.5Ki', '1536', 'BinarySI'],
    ['.001Ki', '1024m', 'BinarySI'],
    ['.000001Ki', '1024u', 'DecimalSI'],
    ['.000000001Ki', '1024n', 'DecimalSI'],
    ['.000000000001Ki', '2n', 'DecimalSI'],
    ['-.000000000001Ki', '-2n', 'DecimalSI'],
    ['100.035Ki', '102435840m', 'BinarySI'],
    ['0.05Gi', '53687091200m', 'BinarySI'],
    ['9Ei', '9223372036854775807', 'BinarySI'],
    ['9223372036854775807Ki', '9223372036854775807', 'BinarySI'],
    ['3.001n', '4n', 'DecimalSI'],
    ['1.1E-9', '2e-9', 'DecimalExponent'],
    ['0.0000000001', '1n', 'DecimalSI'],
    ['1e-1000', '1e-9', 'DecimalExponent'],
    ['0.00000012345', '124n', 'DecimalSI'],
    ['100.035k', '100.035k', 'DecimalSI'],
    ['9.01', '9010m', 'DecimalSI'],
    ['1234567890123456789012', '1234567890123456789012', 'DecimalSI'],
  ])('%s prints as %s (%s)', (text, expected, format) => {
    expect([print(text), Quantity.parse(text).format]).toEqual([expected, format])
  })

  const wrongFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
  const wrongSuffix = "unable to parse quantity's suffix"
  it.each([
    ['', wrongFormat],
    ['1.1.M', wrongFormat],
    ['1+1.0M', wrongFormat],
    ['aoeu', wrongFormat],
    ['0.1am', wrongFormat],
    [' 1', wrongFormat],
    ['1 ', wrongFormat],
    ['1GB', wrongFormat],
    ['0.1mi', wrongSuffix],
    ['.5i', wrongSuffix],
    ['1i', wrongSuffix],
    ['-3.01e-', wrongSuffix],
    ['1e', wrongSuffix],
    ['1Ki5', wrongSuffix],
    ['1e99999999', wrongSuffix],
    ['.e-10', 'unable to parse numeric part of quantity'],
  ])('refuses %j', (text, message) => {
    expect(() => Quantity.parse(text)).toThrow(new QuantityError(message))
  })
})

describe('Quantity', () => {
  it.each([
    ['100m', 1, 100],
    ['1500m', 2, 1500],
    ['1u', 1, 1],
    ['-1500m', -2, -1500],
    ['1Gi', 2 ** 30, 2 ** 30 * 1000],
    ['110', 110, 110_000],
    ['1e3', 1000, 1_000_000],
  ])('%s is %d units and %d thousandths', (text, value, milliValue) => {
    const quantity = Quantity.parse(text)
    expect([quantity.value(), quantity.milliValue()]).toEqual([value, milliValue])
  })

  it('gives the limit of int64 where the amount is beyond it', () => {
    expect(Quantity.parse('100E').value()).toBe(2 ** 63)
    expect(Quantity.parse('1E').milliValue()).toBe(2 ** 63)
    expect(Quantity.parse('-100E').value()).toBe(-(2 ** 63))
  })

  it.each([
    ['1', '1000m', 0],
    ['1Ki', '1k', 1],
    ['10000T', '100Gi', 1],
    ['50m', '100m', -1],
    ['-1', '0', -1],
    ['1e1000', '1n', 1],
  ])('%s compared with %s is %d', (a, b, expected) => {
    expect(Quantity.parse(a).cmp(Quantity.parse(b))).toBe(expected)
  })

  it.each([
    ['1Gi', '512Mi', '1536Mi', '512Mi'],
    ['0', '1Gi', '1Gi', '-1Gi'],
    ['100m', '0', '100m', '100m'],
    ['1', '1', '2', '0'],
    ['1Ki', '1m', '1024001m', '1023999m'],
  ])('%s and %s add to %s and subtract to %s', (a, b, sum, difference) => {
    const [x, y] = [Quantity.parse(a), Quantity.parse(b)]
    expect([x.add(y).toString(), x.sub(y).toString()]).toEqual([sum, difference])
  })

  it('rounds away from zero to a scale', () => {
    expect(Quantity.parse('9.01').roundUp(-1).toString()).toBe('9100m')
    expect(Quantity.parse('-9.01').roundUp(0).toString()).toBe('-10')
    expect(Quantity.parse('9.01').roundUp(2).toString()).toBe('100')
  })

  it('is made of numbers and serialises as text', () => {
    expect(JSON.stringify({ cpu: Quantity.ofMilli(1500), memory: Quantity.of(1 << 20, 'BinarySI') })).toBe(
      '{"cpu":"1500m","memory":"1Mi"}',
    )
    expect(() => Quantity.of(1.5)).toThrow(RangeError)
  })
})
