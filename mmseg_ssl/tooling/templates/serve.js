'use strict';
// One image at a time: it goes to /predict, and what comes back is painted here, so that opacity and layers cost nothing.
const settings = JSON.parse(document.body.dataset.settings);
const at = (id) => document.getElementById(id);
const canvas = at('canvas');
let shown = null; // the picture, its layers and the gray values behind them
let turn = 0; // only the newest answer is shown

function swatch(color) {
  const box = document.createElement('span');
  box.className = 'swatch';
  box.style.background = `rgb(${color.join(',')})`;
  return box;
}

function say(text, kind) {
  at('status').hidden = !text;
  at('status').textContent = text || '';
  at('status').className = kind || '';
}

function load(source) {
  return new Promise((done, fail) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => fail(new Error('The answer holds a picture that cannot be read.'));
    image.src = source;
  });
}

// Gray values of a picture, and the same picture in colors: those of the classes, or a scale of doubt.
async function layer(name, source, colors, width, height) {
  const sheet = document.createElement('canvas');
  sheet.width = width;
  sheet.height = height;
  const context = sheet.getContext('2d', { willReadFrequently: true });
  context.drawImage(await load(source), 0, 0);
  const pixels = context.getImageData(0, 0, width, height);
  const values = new Uint8Array(width * height);
  for (let place = 0; place < values.length; place++) {
    values[place] = pixels.data[4 * place];
    const color = colors[values[place]] || [0, 0, 0];
    for (let part = 0; part < 3; part++) pixels.data[4 * place + part] = color[part];
  }
  context.putImageData(pixels, 0, 0);
  return { name, sheet, values };
}

function paint() {
  const context = canvas.getContext('2d');
  context.globalAlpha = 1;
  context.drawImage(shown.image, 0, 0, canvas.width, canvas.height);
  const now = shown.layers[shown.current];
  if (now) {
    context.globalAlpha = at('opacity').value / 100;
    context.drawImage(now.sheet, 0, 0);
  }
  for (const button of at('layers').children) {
    button.setAttribute('aria-pressed', String(Number(button.value) === shown.current));
  }
  const map = now && now.map;
  at('scale').hidden = !map;
  if (map) {
    at('low').textContent = `sure ${map.low.toPrecision(2)}`;
    at('high').textContent = `${map.high.toPrecision(2)} in doubt`;
  }
}

function read(event) {
  if (!shown) return;
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height); // object-fit: contain
  const left = box.left + (box.width - scale * canvas.width) / 2;
  const top = box.top + (box.height - scale * canvas.height) / 2;
  const x = Math.floor((event.clientX - left) / scale);
  const y = Math.floor((event.clientY - top) / scale);
  if (x < 0 || y < 0 || x >= canvas.width || y >= canvas.height) return;
  const place = y * canvas.width + x;
  const parts = shown.layers.map((one) => {
    if (!one.map) return settings.classes[one.values[place]].name;
    const value = one.map.low + ((one.map.high - one.map.low) * one.values[place]) / 255;
    return `${one.map.name} ${value.toFixed(2)}`;
  });
  at('pixel').textContent = `x ${x}, y ${y}: ${parts.join(', ')}`;
}

function list(result) {
  const rows = at('legend').tBodies[0];
  rows.replaceChildren();
  for (const one of result.classes) {
    const row = rows.insertRow();
    const known = settings.classes[one.index];
    row.insertCell().append(swatch(known.color), known.name);
    row.insertCell().textContent = `${(100 * one.share).toFixed(1)} %`;
  }
}

function buttons() {
  at('layers').replaceChildren();
  const names = ['image', ...shown.layers.map((one) => one.name)];
  names.forEach((name, place) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.value = place - 1; // -1: the image alone
    button.textContent = name;
    button.addEventListener('click', () => {
      shown.current = place - 1;
      paint();
    });
    at('layers').append(button);
  });
}

async function show(result, name) {
  const { width, height } = result;
  const colors = settings.classes.map((one) => one.color);
  const layers = [await layer('classes', result.mask, colors, width, height)];
  for (const map of result.maps) {
    layers.push({ ...(await layer(map.name, map.image, settings.heat, width, height)), map });
  }
  shown = { image: await load(result.image), layers, current: 0 };
  canvas.width = width;
  canvas.height = height;
  canvas.classList.toggle('small', Math.max(width, height) < 400);
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `Prediction of ${name}`);
  at('name').textContent = name;
  at('facts').textContent =
    `${width} × ${height} pixels, predicted in ${result.milliseconds} ms, mean uncertainty ${result.uncertainty.toFixed(2)}`;
  at('download').href = result.mask;
  at('download').download = `${name.replace(/\.[^.]*$/, '')}_mask.png`;
  at('pixel').textContent = 'Point at a pixel to read it.';
  list(result);
  buttons();
  paint();
  at('result').hidden = false;
  document.body.classList.add('has-result');
}

async function predict(file) {
  if (!file) return;
  const mine = ++turn;
  if (file.size > 1e6 * settings.megabytes) {
    say(`${file.name} has ${(file.size / 1e6).toFixed(1)} MB; at most ${settings.megabytes} MB are accepted here.`, 'error');
    return;
  }
  say(`Predicting ${file.name} …`, 'busy');
  try {
    const type = { 'Content-Type': 'application/octet-stream' };
    const answer = await fetch('/predict', { method: 'POST', body: file, headers: type });
    const result = await answer.json();
    if (mine !== turn) return;
    if (result.error) {
      say(`${file.name}: ${result.error}`, 'error');
    } else {
      await show(result, file.name);
      say(result.warnings.join(' '));
    }
  } catch (error) {
    if (mine === turn) say(`${file.name}: no answer. Does the server still run? (${error.message})`, 'error');
  }
}

at('file').addEventListener('change', (event) => {
  predict(event.target.files[0]);
  event.target.value = ''; // the same file may be chosen again
});
at('opacity').addEventListener('input', paint);
canvas.addEventListener('pointermove', read);
canvas.addEventListener('pointerdown', read);
for (const kind of ['dragover', 'dragleave', 'drop']) {
  window.addEventListener(kind, (event) => {
    event.preventDefault(); // or the browser would leave the page for the file
    document.body.classList.toggle('over', kind === 'dragover');
    if (kind === 'drop') predict(event.dataTransfer.files[0]);
  });
}
for (const one of settings.classes) {
  const item = document.createElement('li');
  item.append(swatch(one.color), one.name);
  at('classes').append(item);
}
at('ramp').style.background = `linear-gradient(90deg, ${settings.heat.filter((_, place) => place % 17 === 0).map((color) => `rgb(${color.join(',')})`).join(', ')})`;
