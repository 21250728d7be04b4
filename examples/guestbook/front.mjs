// The web front: one page, and a passage to the back end, which it finds by its name in the cluster's DNS.
import { createServer, request } from 'node:http'
import { hostname } from 'node:os'

const BACKEND = process.env.BACKEND ?? 'http://backend'
const PORT = Number(process.env.PORT ?? 8080)

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guestbook on Rostrum</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color: #1d2733; background: #f7f9fb }
  h1 { font-size: 1.8rem; margin: 0 0 .2rem }
  p { color: #5b6b7c; margin: 0 0 1.5rem }
  form { display: flex; gap: .5rem; margin-bottom: 1.5rem }
  input { flex: 1; padding: .6rem .8rem; border: 1px solid #c9d3dd; border-radius: .5rem; font: inherit }
  button { padding: .6rem 1.2rem; border: 0; border-radius: .5rem; background: #2457d6; color: #fff; font: inherit; cursor: pointer }
  li { background: #fff; border: 1px solid #e3e9ef; border-radius: .5rem; padding: .6rem .8rem; margin-bottom: .5rem; list-style: none; overflow-wrap: anywhere }
  ul { padding: 0 } footer { color: #8796a5; font-size: .85rem; margin-top: 2rem }
</style>
<h1>Guestbook</h1>
<p>Say something. A front in three pods passes it to a back end, which keeps it in a store.</p>
<form><input name="text" maxlength="200" placeholder="Your entry" required autofocus><button>Sign</button></form>
<ul></ul>
<footer></footer>
<script>
  const list = document.querySelector('ul'), form = document.querySelector('form'), foot = document.querySelector('footer')
  async function show() {
    const answer = await fetch('/api/entries')
    const { entries, servedBy } = await answer.json()
    list.replaceChildren(...entries.map((text) => Object.assign(document.createElement('li'), { textContent: text })))
    foot.textContent = 'front ' + answer.headers.get('x-front') + ', back end ' + servedBy
  }
  form.onsubmit = async (event) => {
    event.preventDefault()
    await fetch('/api/entries', { method: 'POST', body: form.text.value })
    form.reset()
    await show()
  }
  show()
</script>
</html>
`

createServer((req, res) => {
  res.setHeader('x-front', hostname())
  if (req.url === '/healthz') return void res.end('ok')
  if (req.url === '/') return void res.setHeader('content-type', 'text/html; charset=utf-8').end(page)
  if (!req.url?.startsWith('/api/')) return void res.writeHead(404).end('not found\n')
  const onward = request(BACKEND + req.url, { method: req.method, timeout: 5000 }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? 'text/plain' })
    answer.pipe(res)
  })
  onward.on('timeout', () => onward.destroy(new Error('timed out')))
  onward.on('error', (err) => {
    if (!res.headersSent) res.writeHead(502)
    res.end(`the back end does not answer: ${err.message}\n`)
  })
  req.pipe(onward)
}).listen(PORT, () => console.log(`front listens on ${PORT}`))

process.on('SIGTERM', () => process.exit(0))
