// SPDX-License-Identifier: Apache-2.0
//
// Runs every notebook from top to bottom in JupyterLab in Chromium, and looks at what a person would see: no error, every figure
// drawn. Then stops and restarts what runs. Started by run.sh.
//
//   CHROME            Chromium's program
//   IDML_NOTEBOOKS    names of the notebooks to run, separated by commas; without it, all
//   IDML_PICTURES     folder for pictures of the pages
//   IDML_SCREENSHOTS  folder for the two pictures of the README; then nothing but the first notebook runs

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

import { Notebook, Server, until } from './lab.mjs';

const notebooks = path.resolve(import.meta.dirname, '../../notebooks');
const screenshots = process.env.IDML_SCREENSHOTS;
const pictures = process.env.IDML_PICTURES;
const wanted = screenshots ? ['01_quickstart.ipynb'] : process.env.IDML_NOTEBOOKS?.split(',');
const names = (await fs.readdir(notebooks)).filter(name => name.endsWith('.ipynb') && (!wanted || wanted.includes(name))).sort();
const minutes = 15; // that a notebook may take

let folder, server, browser;

before(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'idml-browser-'));
  server = await Server.start(folder);
  browser = await chromium.launch({
    executablePath: process.env.CHROME,
    handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false, // or Playwright would end the program before end has run
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
  });
});

async function end() {
  await browser?.close().catch(() => {});
  await server?.stop();
  if (folder) await fs.rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

after(end);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => end().finally(() => process.exit(1)));

const opened = []; // notebooks whose pages and kernels the test under way is to close

async function open(name) {
  const notebook = await Notebook.open(browser, server, name);
  opened.push(notebook);
  return notebook;
}

// check is a test that closes what it opened, and whose failure comes with the end of JupyterLab's log, which has the kernels' words.
function check(name, options, run) {
  test(name, options, async t => {
    try {
      await run(t);
    } catch (error) {
      t.diagnostic(`JupyterLab's log ends:\n${(await server.log()).split('\n').slice(-25).join('\n')}`);
      throw error;
    } finally {
      for (const notebook of opened.splice(0)) await notebook.close();
    }
  });
}

const source = cell => [cell.source].flat().join('');
const codeCells = notebook => notebook.cells.filter(cell => cell.cell_type === 'code');

// copy puts a notebook without its outputs where JupyterLab works.
async function copy(name) {
  const notebook = JSON.parse(await fs.readFile(path.join(notebooks, name), 'utf8'));
  for (const cell of codeCells(notebook)) Object.assign(cell, { outputs: [], execution_count: null });
  await fs.writeFile(path.join(server.folder, name), JSON.stringify(notebook));
  return codeCells(notebook).filter(cell => source(cell).trim()).length;
}

// make writes a notebook of code cells.
async function make(name, ...sources) {
  await fs.writeFile(path.join(server.folder, name), JSON.stringify({
    cells: sources.map((text, i) => ({ id: `cell-${i}`, cell_type: 'code', source: text, metadata: {}, outputs: [], execution_count: null })),
    metadata: { kernelspec: { name: 'idml', display_name: 'IDML (Go)', language: 'go' } }, nbformat: 4, nbformat_minor: 5,
  }));
}

// errors returns the errors among a notebook's outputs, as one line each.
const errors = notebook => codeCells(notebook).flatMap(cell => cell.outputs)
  .filter(output => output.output_type === 'error').map(error => `${error.ename}: ${error.evalue}`);

// figures counts the pictures and drawings in a cell's outputs as they are saved.
function figures(cell) {
  let count = 0;
  for (const { data = {} } of cell.outputs) {
    if (data['text/html']) count += [data['text/html']].flat().join('').match(/<(img|svg)\b/g)?.length ?? 0;
    else if (Object.keys(data).some(mime => mime.startsWith('image/'))) count++;
  }
  return count;
}

// picture takes a picture of a page, if pictures are wanted.
async function picture(page, name) {
  if (pictures) await page.screenshot({ path: path.join(pictures, `${name}.png`) });
}

// checkFigures compares what a notebook's page displays in a window of some width with what was saved.
async function checkFigures(notebook, saved, width) {
  await notebook.page.setViewportSize({ width, height: 1000 });
  let shown = 0;
  for (const [index, cell] of codeCells(saved).entries()) {
    const displayed = await notebook.displayed(index);
    assert.equal(displayed.length, figures(cell), `figures displayed of code cell ${index}`);
    for (const figure of displayed) {
      const said = `code cell ${index}: ${JSON.stringify(figure)}`;
      assert.ok(figure.own.drawn && figure.width >= 50 && figure.height >= 20, `a figure is not displayed: ${said}`);
      assert.ok(figure.overflow <= 1, `a figure is cut off: ${said}`);
    }
    if (displayed.length > 0) await picture(notebook.page, `${path.parse(notebook.name).name}-${index}-${width}`);
    shown += displayed.length;
  }
  assert.ok(shown > 0, 'the notebook displays no figure');
  return shown;
}

for (const name of names) {
  check(name, { timeout: minutes * 60e3 }, async t => {
    const count = await copy(name);
    const notebook = await open(name);
    await notebook.runAll(minutes * 60);
    assert.deepEqual(await notebook.complaints(), [], 'cells show errors');
    const numbers = (await notebook.prompts()).filter(prompt => /^\[\d+\]$/.test(prompt));
    assert.equal(numbers.length, count, `not all cells ran: ${await notebook.prompts()}`);
    const saved = await notebook.save(count);
    assert.deepEqual(errors(saved), [], 'outputs are errors');
    for (const width of [1400, 800, 1920]) {
      const shown = await checkFigures(notebook, saved, width);
      if (width === 1400) t.diagnostic(`${name}: ${count} cells ran, ${shown} figures are displayed`);
    }
    if (screenshots) await takeScreenshots(notebook);
    assert.deepEqual(notebook.faults, [], 'the page complains');
  });
}

// takeScreenshots makes the README's pictures: of the laboratory at its first figure, and of the run's report.
async function takeScreenshots(notebook) {
  const { page } = notebook;
  await page.setViewportSize({ width: 1400, height: 900 });
  for (let i = 0; i < 3; i++) { // cells that come into view for the first time move what is below them
    await page.locator('.jp-MarkdownCell h2').first().evaluate(heading => heading.scrollIntoView({ block: 'start' }));
    await page.waitForTimeout(500);
  }
  await page.screenshot({ path: path.join(screenshots, 'lab.png') });
  await page.setViewportSize({ width: 1000, height: 1000 });
  await page.goto(`file://${path.join(server.folder, 'runs/quickstart/report.html')}`);
  await page.screenshot({ path: path.join(screenshots, 'report.png') });
}

const only = { skip: screenshots ? 'pictures only' : false, timeout: 5 * 60e3 };

check('a failing cell stops Run All', only, async () => {
  await make('failing.ipynb', '%%\nfmt.Println("fine")', '%%\npanic("on purpose")', '%%\nfmt.Println("too far")');
  const notebook = await open('failing.ipynb');
  await notebook.runAll(60);
  assert.deepEqual(await notebook.prompts(), ['[1]', '[2]', '[ ]']);
  assert.match((await notebook.complaints()).at(-1), /panic: on purpose/);
  assert.deepEqual(errors(await notebook.save(2)), ['panic: on purpose']);
});

check('the stop button stops training, which can be resumed', only, async () => {
  const train = '%idml train --recipe glyphs --set epochs=3 --out runs/stopped';
  await make('stopping.ipynb', train, '%%\nfmt.Println("after", 6*7)', '%idml train --resume runs/stopped', '%idml report runs/stopped');
  const notebook = await open('stopping.ipynb');
  await notebook.cell(0).click();
  const run = path.join(server.folder, 'runs/stopped');
  const status = async () => JSON.parse(await fs.readFile(path.join(run, 'results.json'), 'utf8')).status;
  const running = notebook.runAll(120);
  // A run can be resumed from its config.json on, which is written last; a step later there is a checkpoint of its own to resume from.
  await until(() => fs.access(path.join(run, 'config.json')).then(() => true, () => false), 60, 'training begins');
  await notebook.page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) [data-jp-item-name="interrupt"]').click();
  await running;
  assert.deepEqual(await notebook.prompts(), ['[1]', '[ ]', '[ ]', '[ ]'], 'what waits behind a stopped cell must not run');
  assert.match((await notebook.complaints()).at(-1), /Interrupted/);
  assert.equal(await status(), 'stopped');
  await picture(notebook.page, 'stopped');

  for (const index of [2, 3]) await notebook.run(index, 120);
  const shown = errors(await notebook.save(3));
  assert.equal(shown.length, 1, `a cell after the stopped one fails: ${shown}`);
  assert.match(shown[0], /^Interrupted: idml train was stopped/);
  assert.equal(await status(), 'finished');
  await until(async () => {
    const texts = await Promise.all(notebook.page.frames().map(frame => frame.locator('body').innerText().catch(() => '')));
    return texts.some(text => /Recall@1 on unseen classes is/.test(text));
  }, 20, 'the report is shown in the notebook');
  await picture(notebook.page, 'resumed');
});

check('a restart forgets what was declared', only, async () => {
  await make('restarting.ipynb', 'func answer() int { return 42 }', '%%\nfmt.Println(answer())');
  const notebook = await open('restarting.ipynb');
  await notebook.runAll(60);
  assert.deepEqual(await notebook.prompts(), ['[1]', '[2]']);
  assert.match(await notebook.cell(1).locator('.jp-OutputArea-output').innerText(), /42/);
  await notebook.menu('Kernel', /^Restart Kernel…/);
  await notebook.page.locator('.jp-Dialog .jp-mod-accept').click();
  // The numbers of the old kernel stay until a cell runs in the new one, and what is typed while it starts may be lost.
  await until(async () => {
    await notebook.run(1, 60).catch(() => {});
    return (await notebook.prompts())[1] === '[1]';
  }, 60, 'the cell ran in the new kernel');
  assert.match((await notebook.complaints()).join(), /answer/);
});
