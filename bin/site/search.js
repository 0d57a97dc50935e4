// Finds pages by words while the user types. `pages` is a list of [address, title, text].
const input = document.querySelector('#search')
const found = document.querySelector('#found')
const most = 12

function search(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return []
  return pages
    .map(([address, title, body]) => {
      const [head, all] = [title.toLowerCase(), body.toLowerCase()]
      if (!words.every(word => head.includes(word) || all.includes(word))) return undefined
      const score = words.reduce((sum, word) => sum + (head.includes(word) ? 50 : 0) + all.split(word).length - 1, 0)
      const at = Math.max(0, all.indexOf(words[0]) - 40)
      return {address, title, score, excerpt: body.slice(at, at + 110)}
    })
    .filter(Boolean)
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
}

input.addEventListener('input', () => {
  const items = search(input.value).map(({address, title, excerpt}) => {
    const item = document.createElement('li')
    const link = document.createElement('a')
    link.href = `${document.body.dataset.root}/${address}`
    link.textContent = title
    const text = document.createElement('small')
    text.textContent = excerpt
    item.append(link, text)
    return item
  })
  if (items.length === 0 && input.value.trim() !== '') {
    const item = document.createElement('li')
    item.textContent = 'No page has all of these words.'
    items.push(item)
  }
  found.replaceChildren(...items)
})
document.addEventListener('keydown', event => {
  if (event.key === '/' && document.activeElement !== input) {
    event.preventDefault()
    input.focus()
  }
})
