# SPDX-License-Identifier: BSD-3-Clause
# gnuplot -e "data='FILE'" bench/balance.gnuplot > docs/rss-balance.svg; FILE is bench_balance's.
set terminal svg size 640,300 font "sans-serif,11"
set xlabel "time (ms), a sample and a plan every 100 ms"
set ylabel "above optimum (%)"
set xrange [0:1500]
set logscale y
set yrange [0.1:200]
set key top right
set grid ytics lc rgb "#dddddd"
set arrow from 0,2 to 1500,2 nohead dt 2 lc rgb "#888888"
set label "2 %" at 1420,2.8 tc rgb "#888888"
plot data using 1:2 with lines title "Zipf 1.0", data using 1:3 with lines title "1.1", \
	data using 1:4 with lines title "1.2", data using 1:5 with lines title "1.3"
