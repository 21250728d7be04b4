/** Bundles bench/store.ts, which needs the bundler for its TypeScript imports, and runs it: `node bench/store.mjs`. */
import { pathToFileURL } from 'node:url'
import { bundled } from './bundled.mjs'

await import(pathToFileURL(await bundled('store')).href)
