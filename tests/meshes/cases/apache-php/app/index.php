<?php
echo 'Hello World from PHP ' . PHP_MAJOR_VERSION;
