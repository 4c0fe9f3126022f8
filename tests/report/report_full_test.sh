#!/usr/bin/env bash
# The report in a browser: it renders with nothing on the console, in a narrow window without
# scrolling sideways, and readably on a light and on a dark desktop. Leaves report_light.png,
# report_dark.png and report_narrow.png in the build folder, for a person to look at.
# shellcheck source=tests/tool_support.sh
source "$(dirname "$0")/../tool_support.sh"
cd "$work"
command -v chromium >/dev/null || {
  problem "no chromium: './dev deps full' installs it"
  finish
}

browser() { # ARGUMENT...: a screenshot or a dump on stdout, the console among other things in log
  # Without its sandbox, which root cannot have: the page is our own.
  timeout 120 chromium --headless=new --no-sandbox --disable-gpu --user-data-dir="$work/profile" \
    --enable-logging=stderr "$@" 2>log
}
dark=--blink-settings=preferredColorScheme=0

# framed WIDTH HEIGHT: the report in a window of that size, and a line of facts about it. A browser's
# own window has a least width, a frame has none. The script needs the report's policy out of its way.
framed() {
  echo "<!DOCTYPE html><meta charset='utf-8'><style>body { margin: 0 } iframe { border: 0; width: $1px;"
  echo "height: $2px }</style><iframe srcdoc=\""
  sed 's/Content-Security-Policy/x-&/; s/&/\&amp;/g; s/"/\&quot;/g' report.html
  cat <<'END'
"></iframe><script>
onload = () => {
  const page = document.querySelector("iframe").contentDocument;
  const style = getComputedStyle(page.body);
  const light = color => Math.max(...color.match(/[0-9]+/g).slice(0, 3));
  // Texts of plots: how many are cut off at an edge, and the height of the smallest in pixels.
  const texts = page => {
    let cut = 0, smallest = Infinity;
    for (const text of page.querySelectorAll("svg text")) {
      const {x, y, width, height} = text.getBBox(), view = text.ownerSVGElement.viewBox.baseVal;
      cut += x < 0 || y < 0 || x + width > view.width || y + height > view.height;
      const size = parseFloat(page.defaultView.getComputedStyle(text).fontSize);
      smallest = Math.min(smallest, size * text.ownerSVGElement.clientWidth / view.width);
    }
    return [cut, Math.floor(smallest)];
  };
  const facts = document.createElement("pre");
  facts.textContent = ["facts:", page.documentElement.clientWidth, page.documentElement.scrollWidth,
    page.querySelectorAll("svg").length, page.images.length,
    [...page.images].filter(i => !i.naturalWidth).length,
    light(style.backgroundColor), light(style.color), ...texts(page), ""].join(" ");
  document.body.append(facts);
};
</script>
END
}
# facts_of WIDTH ARGUMENT...: sets the facts.
facts_of() {
  framed "$1" 900 >framed.html
  read -r width scroll_width plots images broken background text cut smallest \
    < <(browser "${@:2}" --dump-dom "file://$work/framed.html" | sed -n 's/.*>facts: \([0-9 ]*\)<.*/\1/p') ||
    problem "the page at $* gives no facts: $(cat log)"
}

small_data data
"$HONE" train cnn --data data --epochs 1 --quiet --report report.html >/dev/null

browser --dump-dom "file://$work/report.html" >dom
grep -q '</html>' dom || problem "the report does not load: $(cat log)"
if grep 'CONSOLE' log; then problem "the browser's console is not empty"; fi

facts_of 1000
((plots >= 2 && images > 0 && broken == 0)) ||
  problem "expected plots and pictures, found $plots and $images, $broken of them broken"
((background > text + 100)) || problem "light: text of $text on $background"
facts_of 1000 $dark
((text > background + 100)) || problem "dark: text of $text on $background"
for window in 320 400 500 700 800 1000; do
  facts_of $window
  ((width <= window && scroll_width <= width)) ||
    problem "in a window of $window pixels the page is $scroll_width wide, $width are seen"
  ((cut == 0)) || problem "in a window of $window pixels $cut texts of plots are cut off"
  ((smallest >= 9)) || problem "in a window of $window pixels texts of plots are $smallest pixels high"
done

picture() { # NAME ARGUMENT...
  browser "${@:2}" --screenshot="$HONE_BUILD/report_$1.png"
  (($(stat -c %s "$HONE_BUILD/report_$1.png") > 20000)) || problem "the picture '$1' is empty"
}
picture light --window-size=1000,3000 "file://$work/report.html"
picture dark $dark --window-size=1000,3000 "file://$work/report.html"
framed 400 4000 >framed.html
picture narrow --window-size=500,4000 "file://$work/framed.html"
finish
