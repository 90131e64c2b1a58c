window.MathJax = {tex: {inlineMath: [['\\(', '\\)']], displayMath: [['\\[', '\\]']]}, options: {processHtmlClass: 'arithmatex', ignoreHtmlClass: '.*'}};
