/** `quantity('1.5Gi').isGreaterThan(quantity('1G'))` (upstream: `apiserver/pkg/cel/library.Quantity`). */
import { Quantity, QuantityError } from '#machinery/quantity.ts'
import { EvaluationError } from '../errors.ts'
import { MAX_INT, MIN_INT, makeInt } from '../int64.ts'
import { declareFunction, memberOverload, overload } from '../library.ts'
import type { Library } from '../library.ts'
import { BOOL, DOUBLE, INT, STRING, objectType } from '../types.ts'
import { Double, Opaque } from '../values.ts'
import type { Int, Result, Value } from '../values.ts'

export const QUANTITY = objectType('kubernetes.Quantity')

export class QuantityValue extends Opaque {
  readonly type = QUANTITY
  readonly quantity: Quantity

  constructor(quantity: Quantity) {
    super()
    this.quantity = quantity
  }

  equals(other: Value): boolean | EvaluationError {
    if (!(other instanceof QuantityValue)) return new EvaluationError('noSuchOverload', 'no such overload')
    return this.quantity.equals(other.quantity)
  }

  override toString(): string {
    return `quantity(${this.quantity})`
  }
}

function parse(text: string): Quantity | EvaluationError {
  try {
    return Quantity.parse(text)
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error
    return new EvaluationError('function', error.message)
  }
}

function quantityOf(text: string): Result {
  const quantity = parse(text)
  return quantity instanceof EvaluationError ? quantity : new QuantityValue(quantity)
}

/** The amount as an int64; undefined where it has a fraction or does not fit. */
function integerOf({ quantity }: QuantityValue): Int | undefined {
  const value = quantity.exactValue(0)
  if (value > MAX_INT || value < MIN_INT || quantity.cmp(Quantity.of(value)) !== 0) return undefined
  return makeInt(value)
}

const compare = (a: QuantityValue, b: QuantityValue): -1 | 0 | 1 => a.quantity.cmp(b.quantity)
const whole = (value: Int): Quantity => Quantity.of(value, 'DecimalExponent')

export const quantityLibrary: Library = {
  name: 'quantities',
  functions: [
    declareFunction('quantity', overload('string_to_quantity', [STRING], QUANTITY, quantityOf)),
    declareFunction(
      'isQuantity',
      overload('is_quantity_string', [STRING], BOOL, (text: string) => !(parse(text) instanceof EvaluationError)),
    ),
    declareFunction(
      'sign',
      overload('quantity_sign', [QUANTITY], INT, ({ quantity }: QuantityValue) => quantity.sign),
    ),
    declareFunction(
      'isGreaterThan',
      memberOverload('quantity_is_greater_than', [QUANTITY, QUANTITY], BOOL, (a, b) => compare(a, b) > 0),
    ),
    declareFunction(
      'isLessThan',
      memberOverload('quantity_is_less_than', [QUANTITY, QUANTITY], BOOL, (a, b) => compare(a, b) < 0),
    ),
    declareFunction('compareTo', memberOverload('quantity_compare_to', [QUANTITY, QUANTITY], INT, compare)),
    declareFunction(
      'asApproximateFloat',
      memberOverload(
        'quantity_get_float',
        [QUANTITY],
        DOUBLE,
        ({ quantity }: QuantityValue) => new Double(quantity.toNumber()),
      ),
    ),
    declareFunction(
      'asInteger',
      memberOverload(
        'quantity_get_int',
        [QUANTITY],
        INT,
        (value: QuantityValue) =>
          integerOf(value) ?? new EvaluationError('function', 'cannot convert value to integer'),
      ),
    ),
    declareFunction(
      'isInteger',
      memberOverload('quantity_is_integer', [QUANTITY], BOOL, (value: QuantityValue) => integerOf(value) !== undefined),
    ),
    declareFunction(
      'add',
      memberOverload(
        'quantity_add',
        [QUANTITY, QUANTITY],
        QUANTITY,
        (a: QuantityValue, b: QuantityValue) => new QuantityValue(a.quantity.add(b.quantity)),
      ),
      memberOverload(
        'quantity_add_int',
        [QUANTITY, INT],
        QUANTITY,
        (a: QuantityValue, b: Int) => new QuantityValue(a.quantity.add(whole(b))),
      ),
    ),
    declareFunction(
      'sub',
      memberOverload(
        'quantity_sub',
        [QUANTITY, QUANTITY],
        QUANTITY,
        (a: QuantityValue, b: QuantityValue) => new QuantityValue(a.quantity.sub(b.quantity)),
      ),
      memberOverload(
        'quantity_sub_int',
        [QUANTITY, INT],
        QUANTITY,
        (a: QuantityValue, b: Int) => new QuantityValue(a.quantity.sub(whole(b))),
      ),
    ),
  ],
}
