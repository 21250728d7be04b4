/** What the API answered to a request that it was to refuse. */
import { StatusError } from '#machinery/status-error.ts'

/** Resolves with the Status that `request` was refused with. Rejects where it was not refused, or failed in another way. */
export async function refusal(request: Promise<unknown>): Promise<StatusError> {
  try {
    await request
  } catch (err) {
    if (err instanceof StatusError) return err
    throw err
  }
  throw new Error('it was not refused')
}
